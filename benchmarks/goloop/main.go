// Command goloop is the yardstick: OPA inside one Go program, every core, no Python and no HTTP.
//
// It reads policy inputs (JSON Lines), asks the bundle the same question for each, and writes each result as JSON to nowhere.
// On standard output: {"items", "start_seconds", "seconds", "outcomes", "threads"}.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/util"
)

func main() {
	bundle := flag.String("bundle", "", "bundle to load")
	inputs := flag.String("inputs", "", "JSON Lines, one policy input each")
	query := flag.String("query", "data.opalite.decision.results", "what to ask of each")
	flag.Parse()
	ctx := context.Background()

	started := time.Now()
	prepared, err := rego.New(
		rego.Query(*query),
		rego.LoadBundle(*bundle),
		rego.StrictBuiltinErrors(true),
	).PrepareForEval(ctx)
	if err != nil {
		log.Fatal(err)
	}
	ready := time.Since(started)

	started = time.Now()
	text, err := os.ReadFile(*inputs)
	if err != nil {
		log.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	threads := runtime.GOMAXPROCS(0)
	tallies := make([]map[string]int, threads)
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range threads {
		group.Go(func() {
			tallies[worker] = map[string]int{}
			for i := next.Add(1) - 1; i < int64(len(lines)); i = next.Add(1) - 1 {
				if err := judge(ctx, prepared, lines[i], tallies[worker]); err != nil {
					log.Fatalf("line %d: %v", i+1, err)
				}
			}
		})
	}
	group.Wait()
	took := time.Since(started)

	outcomes := map[string]int{}
	for _, tally := range tallies {
		for outcome, count := range tally {
			outcomes[outcome] += count
		}
	}
	report, err := json.Marshal(map[string]any{
		"items": len(lines), "start_seconds": ready.Seconds(), "seconds": took.Seconds(), "outcomes": outcomes, "threads": threads,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(report))
}

// judge does for one line what a server does for one request: decode, evaluate, encode.
func judge(ctx context.Context, prepared rego.PreparedEvalQuery, line []byte, tally map[string]int) error {
	var input any
	if err := util.UnmarshalJSON(line, &input); err != nil {
		return err
	}
	results, err := prepared.Eval(ctx, rego.EvalInput(input))
	if err != nil {
		return err
	}
	if len(results) == 0 {
		return fmt.Errorf("no result")
	}
	decisions := results[0].Expressions[0].Value
	if err := json.NewEncoder(io.Discard).Encode(decisions); err != nil {
		return err
	}
	byPolicy, ok := decisions.(map[string]any)
	if !ok {
		return fmt.Errorf("the result is no object by policy id")
	}
	for _, decision := range byPolicy {
		if fields, ok := decision.(map[string]any); ok {
			tally[fmt.Sprint(fields["outcome"])]++
		}
	}
	return nil
}
