-- Exemptions in use: what they excuse as of the latest decision of each resource and policy, the next to end first.
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
  r.exemption.id AS exemption_id,
  r.policy_id AS policy_id,
  max(r.exemption.owner) AS owner,
  max(r.exemption.ticket) AS ticket,
  max(r.exemption.expires) AS expires,
  count(*) AS resources,
  count(DISTINCT r.account_id) AS accounts,
  max(r.evaluated_at) AS last_used
FROM ranked r
WHERE r.place = 1 AND r.outcome = 'exempt'
GROUP BY r.exemption.id, r.policy_id
ORDER BY expires, exemption_id, policy_id
