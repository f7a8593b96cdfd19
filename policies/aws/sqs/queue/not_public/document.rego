package aws.sqs.queue.not_public

# The policy as access reads it: null for none, undefined if it is not exactly of the shape that IAM documents.
_policy := null if is_null(_fact.policy)

_policy := {"statements": [_statement(statement) | some statement in _statements]} if {
	every element, _ in _fact.policy {
		element in {"Version", "Id", "Statement"}
	}
	every statement in _statements {
		is_object(statement)
		json.match_schema(statement, _statement_shape)[0]
	}
}

_statements := _list(_fact.policy.Statement)

_statement(raw) := {
	"sid": _sid(object.get(raw, "Sid", null)),
	"effect": raw.Effect,
	"principals": _principals(object.get(raw, "Principal", null)),
	"not_principals": _principals(object.get(raw, "NotPrincipal", null)),
	"actions": _list(object.get(raw, "Action", [])),
	"not_actions": _list(object.get(raw, "NotAction", [])),
	"conditions": [condition |
		some operator, tests in object.get(raw, "Condition", {})
		some key, values in tests
		condition := {"operator": operator, "key": lower(key), "values": [sprintf("%v", [value]) | some value in _list(values)]}
	],
}

# An empty name is none.
_sid("") := null

_sid(raw) := raw if raw != ""

_principals(raw) := null if is_null(raw)

_principals("*") := {"AWS": ["*"]}

_principals(raw) := {kind: _list(values) | some kind, values in raw} if is_object(raw)

_list(value) := value if is_array(value)

_list(value) := [value] if not is_array(value)

# Principal and NotPrincipal, like Action and NotAction, exclude each other; an element of another name may be a misspelt one.
_statement_shape := {
	"additionalProperties": false,
	"required": ["Effect"],
	"oneOf": [{"required": ["Action"]}, {"required": ["NotAction"]}],
	"not": {"required": ["Principal", "NotPrincipal"]},
	"properties": {
		"Sid": {"type": "string"},
		"Effect": {"enum": ["Allow", "Deny"]},
		"Principal": _principals_shape,
		"NotPrincipal": _principals_shape,
		"Action": _texts_shape,
		"NotAction": _texts_shape,
		"Resource": _texts_shape,
		"NotResource": _texts_shape,
		"Condition": {
			"type": "object",
			"additionalProperties": {
				"type": "object",
				"additionalProperties": {
					"type": ["string", "number", "boolean", "array"],
					"items": {"type": ["string", "number", "boolean"]},
				},
			},
		},
	},
}

_principals_shape := {
	"type": ["string", "object"],
	"pattern": `^\*$`,
	"additionalProperties": false,
	"properties": {"AWS": _texts_shape, "Service": _texts_shape, "Federated": _texts_shape, "CanonicalUser": _texts_shape},
}

_texts_shape := {"type": ["string", "array"], "items": {"type": "string"}}
