# METADATA
# title: Load balancers are in use
# description: >-
#   A load balancer without targets costs money every hour, keeps its public addresses and certificates, and is an open door
#   that nobody looks after. What counts as use, and how long none is allowed, are parameters. Nothing of this is in the item:
#   it is asked for as a fact.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
#     description: Target groups for your Application Load Balancers
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-delete.html
#     description: Delete an Application Load Balancer
# custom:
#   severity: LOW
#   resource_types: [AWS::ElasticLoadBalancingV2::LoadBalancer]
#   tags: [cost]
#   requires: [resource.configuration]
#   facts: [load_balancer]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     nist_800_53_r5: [CM-7]
#   remediation:
#     summary: Ask the owner whether the load balancer is still needed, and delete it if it is not.
#     action: notify_owner
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       criterion:
#         description: "What makes a load balancer unused. no_targets: no target is registered in any of its target groups, or it has no target group; no_target_groups: no target group; no_listeners: no listener"
#         enum: [no_targets, no_target_groups, no_listeners]
#         default: no_targets
#       days:
#         description: "How many days it may be unused; 0: none. Only for no_targets can a fact tell since when: with the other criteria, use 0"
#         type: integer
#         minimum: 0
#         default: 30
package aws.elasticloadbalancingv2.loadbalancer.in_use

import data.opalite.parameters
import data.opalite.usage

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains gap if some gap in _verdict.unknown

_verdict := usage.verdict(input, _parameters.days, {
	"what": _names[_member],
	"member": _member,
	"path": [],
	"count": _fact(_member),
	"created": input.resource.configuration.created_time,
	"idle_since": _time("idle_since"),
	"idle_at_least_since": _time("idle_at_least_since"),
	"uncounted": {"fact": "load_balancer", "key": input.resource.id},
	"undated": _undated,
})

_parameters := parameters.of("aws.elasticloadbalancingv2.loadbalancer.in_use", input.resource)

_names := {"targets": "registered targets", "target_groups": "target groups", "listeners": "listeners"}

# Where there is no target group, there is no registered target.
_member := "target_groups" if {
	_parameters.criterion == "no_targets"
	is_null(_fact("targets"))
	_fact("target_groups") == 0
} else := {"no_targets": "targets", "no_target_groups": "target_groups", "no_listeners": "listeners"}[_parameters.criterion]

# The times are about targets. A load balancer without them may well have had listeners, which redirect or answer themselves.
_time(member) := _fact(member) if {
	_parameters.criterion == "no_targets"
} else := null

_undated := {
	"path": sprintf("facts.load_balancer.%s.idle_since", [input.resource.id]),
	"reason": "not known since when there are no registered targets",
} if {
	_parameters.criterion == "no_targets"
} else := {"reason": sprintf("nothing tells since when there are no %s; days: 0 judges without it", [_names[_member]])}

_fact(member) := object.get(input.facts, ["load_balancer", input.resource.id, member], null)
