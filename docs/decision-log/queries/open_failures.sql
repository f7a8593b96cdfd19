-- Open failures by account and severity: what the latest decision of each resource and policy says.
-- Parameter: the first day to look at, as '2026-11-01'. What was last decided before it is not seen.
WITH ranked AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY "partition", account_id, region, resource_type, resource_id, policy_id
      ORDER BY coalesce(capture_time, evaluated_at) DESC, evaluated_at DESC, decision_id
    ) AS place
  FROM opalite_decisions
  WHERE "date" >= ?
)
SELECT
  account_id,
  severity,
  count(*) AS failures,
  count(DISTINCT concat(region, ' ', resource_type, ' ', resource_id)) AS resources,
  count(DISTINCT policy_id) AS policies
FROM ranked
WHERE place = 1 AND outcome = 'fail' AND stage = 'enforce'
GROUP BY account_id, severity
ORDER BY
  CASE severity WHEN 'CRITICAL' THEN 1 WHEN 'HIGH' THEN 2 WHEN 'MEDIUM' THEN 3 WHEN 'LOW' THEN 4 ELSE 5 END,
  failures DESC,
  account_id
