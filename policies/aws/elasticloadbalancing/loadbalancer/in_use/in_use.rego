# METADATA
# title: Classic Load Balancers are in use
# description: >-
#   A load balancer without instances costs money every hour, keeps its addresses and certificates, and is an open door that
#   nobody looks after. What counts as use, and how long none is allowed, are parameters. AWS Config records the listeners, but
#   hardly ever the instances: these are asked for as a fact.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/elb-deregister-register-instances.html
#     description: Registered instances for your Classic Load Balancer
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/elb-listener-config.html
#     description: Listeners for your Classic Load Balancer
# custom:
#   severity: LOW
#   resource_types: [AWS::ElasticLoadBalancing::LoadBalancer]
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
#         description: "What makes a load balancer unused. no_instances: no instance is registered; no_listeners: no listener"
#         enum: [no_instances, no_listeners]
#         default: no_instances
#       days:
#         description: "How many days it may be unused; 0: none. Only for no_instances can a fact tell since when: with no_listeners, use 0"
#         type: integer
#         minimum: 0
#         default: 30
package aws.elasticloadbalancing.loadbalancer.in_use

import data.opalite.parameters
import data.opalite.usage

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains gap if some gap in _verdict.unknown

_verdict := usage.verdict(input, _parameters.days, _found)

_found := {
	"what": "registered instances",
	"member": "instances",
	"path": ["instances"],
	"count": _instances,
	"created": input.resource.configuration.created_time,
	"idle_since": _fact("idle_since"),
	"idle_at_least_since": _fact("idle_at_least_since"),
	"uncounted": {"fact": "load_balancer", "key": input.resource.id},
	"undated": {
		"path": sprintf("facts.load_balancer.%s.idle_since", [input.resource.id]),
		"reason": "not known since when there are no registered instances",
	},
} if {
	_parameters.criterion == "no_instances"
}

# idle_since is about instances: a load balancer without them may well have had listeners.
_found := {
	"what": "listeners",
	"member": "listeners",
	"path": ["listeners"],
	"count": _listeners,
	"created": input.resource.configuration.created_time,
	"idle_since": null,
	"idle_at_least_since": null,
	"uncounted": {"fact": "load_balancer", "key": input.resource.id},
	"undated": {"reason": "nothing tells since when there are no listeners; days: 0 judges without it"},
} if {
	_parameters.criterion == "no_listeners"
}

_parameters := parameters.of("aws.elasticloadbalancing.loadbalancer.in_use", input.resource)

# Config's schema has the instances, its items hardly ever do: those that are there prove use, an empty list proves nothing.
_instances := recorded if {
	recorded := count([id | some id in input.resource.configuration.instances])
	recorded > 0
} else := _fact("targets")

_listeners := count([listener | some listener in input.resource.configuration.listeners]) if {
	is_array(input.resource.configuration.listeners)
} else := _fact("listeners")

_fact(member) := object.get(input.facts, ["load_balancer", input.resource.id, member], null)
