package controllers_test

import (
	"context"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/invigil/invigil/controllers"
	"github.com/invigil/invigil/controllers/manifests"
)

// timeless is an API server without an operator: each test that uses it runs its
// own, in its own namespace, by its own clock.
var timeless struct {
	once  sync.Once
	suite *suite
	err   error
	stop  func() error
}

// clocked is a test's namespace with an operator whose clock the test sets.
type clocked struct {
	*suite

	namespace      string
	clock          *clocktesting.FakeClock
	operatorImages manifests.Images
	// begin is what the clock showed first.
	begin time.Time

	stop func()
}

// needClock starts an operator.
func needClock(t *testing.T) *clocked {
	t.Helper()
	needAssets(t)

	timeless.once.Do(func() { timeless.suite, timeless.stop, timeless.err = startAPI() })

	if timeless.err != nil {
		t.Fatal(timeless.err)
	}

	begin := time.Now().Truncate(time.Second)
	c := &clocked{
		suite: timeless.suite, namespace: timeless.suite.makeNamespace(t),
		clock: clocktesting.NewFakeClock(begin), begin: begin, operatorImages: testImages(),
	}

	c.startOperator(t)
	t.Cleanup(func() { c.stopOperator() })
	c.run(t)

	return c
}

// run lets the clock go on between its jumps, as the delays of the operator's
// queue need it.
func (c *clocked) run(t *testing.T) {
	t.Helper()

	var running sync.WaitGroup

	ticker := time.NewTicker(pollStep)
	ctx := t.Context() // It ends before the cleanups.

	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				c.clock.Step(pollStep)
			}
		}
	})

	t.Cleanup(func() {
		ticker.Stop()
		running.Wait()
	})
}

func (c *clocked) startOperator(t *testing.T) {
	t.Helper()

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))

	var running sync.WaitGroup

	c.stop = func() {
		cancel()
		running.Wait()
	}

	err := c.operate(ctx, &running, controllers.Options{Images: c.operatorImages, Clock: c.clock}, c.namespace)
	if err != nil {
		t.Fatal(err)
	}
}

// stopOperator ends the operator as a shutdown does.
func (c *clocked) stopOperator() { c.stop() }

// after sets the clock to so long after it began.
func (c *clocked) after(d time.Duration) { c.clock.SetTime(c.begin.Add(d)) }
