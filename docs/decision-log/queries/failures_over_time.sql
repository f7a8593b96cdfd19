-- One policy over time: of the resources that it judged on a day, how many failed in the end.
-- Parameters: the id of the policy, as 'aws.s3.bucket.encryption'; the first day, as '2026-11-01'.
WITH ranked AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY "date", "partition", account_id, region, resource_type, resource_id
      ORDER BY coalesce(capture_time, evaluated_at) DESC, evaluated_at DESC, decision_id
    ) AS place
  FROM opalite_decisions
  WHERE policy_id = ? AND "date" >= ?
)
SELECT
  "date" AS day,
  count(*) AS resources,
  sum(CASE WHEN outcome = 'fail' THEN 1 ELSE 0 END) AS failing,
  sum(CASE WHEN outcome = 'exempt' THEN 1 ELSE 0 END) AS exempt,
  sum(CASE WHEN outcome = 'undetermined' THEN 1 ELSE 0 END) AS undetermined,
  sum(CASE WHEN outcome = 'pass' THEN 1 ELSE 0 END) AS passing,
  count(DISTINCT CASE WHEN outcome = 'fail' THEN account_id END) AS accounts_failing
FROM ranked
WHERE place = 1
GROUP BY "date"
ORDER BY "date"
