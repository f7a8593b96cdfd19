# METADATA
# title: EC2 instances run approved images
# description: >-
#   An image that nobody vetted may carry unknown software. Running, pending, stopping and stopped instances are judged unless
#   `states` says otherwise (AWS's own rules judge running ones only); terminated ones are not.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AMIs.html
#     description: Amazon Machine Images
# custom:
#   severity: HIGH
#   resource_types: [AWS::EC2::Instance]
#   tags: [images]
#   requires: [resource.configuration.image_id]
#   facts: [image]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     nist_800_53_r5: [CM-2, CM-7(5)]
#   remediation:
#     summary: Replace the instance by one that was launched from an approved image.
#     action: notify_owner
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       images:
#         description: "Image id to reason: allowed, whoever owns it"
#         type: object
#         additionalProperties: {type: string}
#         default: {}
#       denied:
#         description: "Image id to reason: never allowed, whatever else says so"
#         type: object
#         additionalProperties: {type: string}
#         default: {}
#       owners:
#         description: "Owner's account id or alias (amazon, aws-marketplace) to what his images must have; {} allows them all"
#         type: object
#         default: {}
#         propertyNames: {pattern: "^([0-9]{12}|[a-z][a-z-]*)$"}
#         additionalProperties:
#           type: object
#           additionalProperties: false
#           properties:
#             tags:
#               description: "Tag key to allowed values; every key must match"
#               type: object
#               additionalProperties: {type: array, minItems: 1, items: {type: string}}
#             names:
#               description: "Patterns of the image's name, * for any characters; one must match"
#               type: array
#               minItems: 1
#               items: {type: string}
#             max_age_days: {description: "Whole days since the image was made", type: integer, minimum: 0}
#       max_age_days:
#         description: "Whole days since the image was made, for every image, listed by id too; null: any age"
#         type: [integer, "null"]
#         minimum: 0
#         default: null
#       states:
#         description: "Instance states that are judged; an instance whose state is not known is judged"
#         type: array
#         items: {enum: [pending, running, stopping, stopped, shutting-down, terminated]}
#         default: [running, pending, stopping, stopped]
package aws.ec2.instance.approved_image

compliant if {
	_tolerated
	_chosen
	_is_young(_parameters.max_age_days)
}

violations contains {
	"message": substring(sprintf("image %s %s", [_image_id, _fault]), 0, 120),
	"subject": "image",
	"evidence": {"path": ["image_id"], "actual": _image_id, "expected": "an approved image"},
} if {
	not compliant # saves the search for a fault that an approved image cannot have
	is_string(_image_id)
}

not_applicable contains sprintf("the instance is %s, a state that is not judged", [state]) if {
	state := input.resource.configuration.state
	states := _parameters.states
	not state in states
	state in {"pending", "running", "stopping", "stopped", "shutting-down", "terminated"}
}

unknown contains {"fact": "image", "key": _image_id} if {
	_undecided
	not _image
}

# The fact is there, but AWS told only part of it: for one, the tags of another account's image are not visible.
unknown contains {"path": concat(".", ["facts", "image", _image_id, field])} if {
	_undecided
	some field in ["owner_id", "name", "created_at", "tags"]
	is_null(object.get(_image, field, null))
}

_undecided if {
	is_string(_image_id)
	not compliant
	not _fault
}
