-- The decision log as a table of Athena. Put your bucket and prefix at the two places that say s3://BUCKET/PREFIX/.
--
-- Days and Regions are told to Athena beforehand (partition projection), so that no crawler and no ALTER TABLE is needed.
-- A Region that is not in the list is not read: leave those out that you do not record, and never one that you do.
-- "global" is that of resources without a Region.
CREATE EXTERNAL TABLE opalite_decisions (
  `schema_version` int,
  `decision_id` string,
  `partition` string,
  `account_id` string,
  `organizational_units` array<string>,
  `resource_type` string,
  `resource_id` string,
  `resource_name` string,
  `arn` string,
  `tags` array<struct<key:string,value:string>>,
  `capture_time` string,
  `evaluated_at` string,
  `policy_id` string,
  `policy_version` string,
  `outcome` string,
  `compliance_type` string,
  `severity` string,
  `stage` string,
  `annotation` string,
  `violations` array<struct<message:string,subject:string,evidence:string>>,
  `unknown` array<struct<fact:string,key:string,path:string,reason:string>>,
  `reasons` array<string>,
  `exemption` struct<id:string,owner:string,ticket:string,reason:string,expires:string,scope:string>,
  `bundle_revision` string,
  `opa_version` string,
  `input_digest` string,
  `facts` string,
  `judged` string,
  `redacted` array<string>,
  `cut` array<string>
)
PARTITIONED BY (
  `date` string,
  `region` string
)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://BUCKET/PREFIX/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2026-01-01,NOW',
  'projection.date.interval' = '1',
  'projection.date.interval.unit' = 'DAYS',
  'projection.region.type' = 'enum',
  'projection.region.values' = 'global,af-south-1,ap-east-1,ap-east-2,ap-northeast-1,ap-northeast-2,ap-northeast-3,ap-south-1,ap-south-2,ap-southeast-1,ap-southeast-2,ap-southeast-3,ap-southeast-4,ap-southeast-5,ap-southeast-6,ap-southeast-7,ca-central-1,ca-west-1,eu-central-1,eu-central-2,eu-north-1,eu-south-1,eu-south-2,eu-west-1,eu-west-2,eu-west-3,il-central-1,me-central-1,me-south-1,mx-central-1,sa-east-1,us-east-1,us-east-2,us-west-1,us-west-2',
  'storage.location.template' = 's3://BUCKET/PREFIX/date=${date}/region=${region}/'
);
