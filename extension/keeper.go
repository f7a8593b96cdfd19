package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

const (
	// Lambda gives the whole init 10 s, then begins anew within the first invocation.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
	readyWithin = 9 * time.Second
	// Lambda kills an extension 2 s after SHUTDOWN; a part of that is the runtime's. Same page.
	stopWithin   = 1200 * time.Millisecond
	stopAtLeast  = 100 * time.Millisecond
	stopReserve  = 400 * time.Millisecond // of the deadline, for SIGKILL and our own end
	deathsMost   = 3
	deathsWithin = time.Minute
)

// keeper starts OPA, starts it anew, and ends it.
type keeper struct {
	settings settings
	api      *client
	log      *logger
	told     <-chan os.Signal
	deaths   deaths
}

// told by event/next.
type message struct {
	event event
	err   error
}

func (k *keeper) run() int {
	started := time.Now()
	running, why := startOpa(k.settings, k.log)
	if err := k.api.register(k.settings.name); err != nil {
		k.log.say("ERROR", "the extension cannot be registered: "+err.Error())
		return k.end(running, stopAtLeast, 1)
	}
	if why != nil {
		return k.giveUp("init", why)
	}
	ready, cancel := k.watch()
	defer cancel()
	select {
	case <-k.told:
		return k.end(running, stopWithin, 0)
	case <-running.exited:
		return k.giveUp("init", notReady("OPA did not start", running))
	case isReady := <-ready:
		if !isReady {
			why := notReady(fmt.Sprintf("OPA was not ready within %v", readyWithin), running)
			k.end(running, stopAtLeast, 1)
			return k.giveUp("init", why)
		}
	}
	k.log.say("INFO", fmt.Sprintf("OPA is ready after %d ms", time.Since(started).Milliseconds()))
	return k.serve(running)
}

// serve is where the time is spent: until SHUTDOWN, a signal, or too many deaths of OPA.
func (k *keeper) serve(running *opa) int {
	events := k.events()
	var ready <-chan bool // not nil while a new OPA starts
	cancel := func() {}
	for {
		select {
		case <-k.told:
			cancel()
			return k.end(running, stopWithin, 0)
		case next := <-events:
			if next.err != nil {
				k.log.say("ERROR", "Lambda does not answer the extension: "+next.err.Error())
				return k.end(running, stopWithin, 1)
			}
			return k.end(running, patience(next.event.Deadline, time.Now()), 0)
		case <-running.exited:
			cancel()
			how := running.end()
			if k.deaths.tooMany(time.Now()) {
				text := fmt.Sprintf("OPA died %d times within %v: %s", deathsMost+1, deathsWithin, how)
				return k.giveUp("exit", &fault{"Extension.OpaDied", text})
			}
			k.log.say("ERROR", "OPA died and is started anew: "+how)
			anew, why := startOpa(k.settings, k.log)
			if why != nil {
				return k.giveUp("exit", why)
			}
			running = anew
			ready, cancel = k.watch()
		case isReady := <-ready:
			ready = nil
			if !isReady {
				why := notReady(fmt.Sprintf("the new OPA was not ready within %v", readyWithin), running)
				k.end(running, stopAtLeast, 1)
				return k.giveUp("exit", why)
			}
			k.log.say("INFO", "OPA answers again")
		}
	}
}

// watch tells once whether OPA is ready in time.
func (k *keeper) watch() (<-chan bool, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan bool, 1)
	go func() { ready <- healthy(ctx, k.settings.socket, readyWithin) }()
	return ready, cancel
}

// events asks for the next event, which is what tells Lambda that the extension is ready.
func (k *keeper) events() <-chan message {
	events := make(chan message, 1)
	go func() {
		for {
			told, err := k.api.next()
			if err != nil || told.Type == "SHUTDOWN" {
				events <- message{told, err}
				return
			}
		}
	}()
	return events
}

func (k *keeper) giveUp(phase string, why *fault) int {
	k.log.say("ERROR", why.kind+": "+why.message)
	if err := k.api.report(phase, why); err != nil {
		k.log.say("ERROR", "Lambda does not take the error: "+err.Error())
	}
	return 1
}

func (k *keeper) end(running *opa, patience time.Duration, code int) int {
	if running != nil {
		running.stop(patience)
	}
	return code
}

func notReady(what string, running *opa) *fault {
	return &fault{"Extension.OpaNotReady", what + ": " + running.end()}
}

// patience is how long OPA may take to end, so that all is over before the deadline, in milliseconds since 1970.
func patience(deadline int64, now time.Time) time.Duration {
	left := time.UnixMilli(deadline).Sub(now) - stopReserve
	return max(stopAtLeast, min(stopWithin, left))
}

// deaths remembers when OPA died.
type deaths struct{ times []time.Time }

// tooMany counts one more. Rare deaths are got over by a new OPA; if they follow one another, something is
// wrong that a new sandbox may heal.
func (d *deaths) tooMany(now time.Time) bool {
	kept := []time.Time{now}
	for _, each := range d.times {
		if now.Sub(each) < deathsWithin {
			kept = append(kept, each)
		}
	}
	d.times = kept
	return len(kept) > deathsMost
}
