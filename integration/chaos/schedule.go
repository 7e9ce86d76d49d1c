package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// A schedule is which faults come when.
type schedule struct {
	faults []Fault
	rand   *rand.Rand
	lease  time.Duration // faults are shorter or longer
	out    *Recorder
	counts map[string]int
}

// afflictions are the faults of processes.
func (f *fleet) afflictions() []Fault {
	if f.harness.Inside {
		return f.clocks(0)
	}
	var faults []Fault
	for n := range processes {
		on := fmt.Sprintf("process %d", n)
		faults = append(faults, f.clocks(n)...)
		faults = append(faults,
			Fault{Name: "process killed", On: on, Begin: func() error { return f.kill(n) }},
			f.frost(n))
	}
	return faults
}

// frost is process number n standing still for a while. It begins to be too long
// for a store that hears nothing before the store may do something about it: the
// last word may be some time ago then.
func (f *fleet) frost(n int) Fault {
	var since int64
	var who string
	return Fault{
		Name: "process frozen", On: fmt.Sprintf("process %d", n),
		Begin: func() error {
			since, who = Now(), f.process(n).job.Process
			return f.signal(n, syscall.SIGSTOP)
		},
		End: func() error {
			err := f.signal(n, syscall.SIGCONT)
			now, most := Now(), f.harness.Silence/2
			if most > 0 && time.Duration(now-since) > most {
				f.out.Put(Record{Op: Freeze, Process: who, Call: since, Return: now})
			}
			return err
		},
	}
}

// clocks are what an administrator, or a service that sets clocks, does to
// process number n.
func (f *fleet) clocks(n int) []Fault {
	on := fmt.Sprintf("process %d", n)
	set := func(name string, ahead time.Duration) Fault {
		return Fault{
			Name: name, On: on,
			Begin: func() error { return f.skew(n, ahead) },
			End:   func() error { return f.skew(n, 0) },
		}
	}
	return []Fault{set("wall clock an hour ahead", time.Hour), set("wall clock an hour behind", -time.Hour)}
}

// run has faults come and go until ctx ends, and leaves none. There is quiet
// between them, for locks to be had.
func (s *schedule) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(s.rand.Int64N(int64(3 * s.lease / 2)))):
		}
		if len(s.faults) == 0 {
			<-ctx.Done()
			return nil
		}
		if err := s.suffer(ctx, s.choose()); err != nil {
			return err
		}
	}
}

// choose returns one fault, or several of different things. A kind of fault
// that there are many of, as of processes, is not more likely than another.
func (s *schedule) choose() []Fault {
	kinds := map[string][]Fault{}
	var names []string
	for _, f := range s.faults {
		if kinds[f.Name] == nil {
			names = append(names, f.Name)
		}
		kinds[f.Name] = append(kinds[f.Name], f)
	}
	var chosen []Fault
	for range 1 + s.rand.IntN(3)/2 + s.rand.IntN(6)/5 {
		kind := kinds[names[s.rand.IntN(len(names))]]
		f := kind[s.rand.IntN(len(kind))]
		if free(chosen, f.On) {
			chosen = append(chosen, f)
		}
	}
	return chosen
}

func free(chosen []Fault, on string) bool {
	for _, f := range chosen {
		if f.On == on {
			return false
		}
	}
	return true
}

// suffer goes through some faults together. How long they last is shorter than
// a lease or longer.
func (s *schedule) suffer(ctx context.Context, faults []Fault) error {
	var failed error
	since := make([]int64, len(faults))
	for i, f := range faults {
		since[i] = Now()
		failed = errors.Join(failed, part(f.Name, f.Begin))
		s.counts[f.Name]++
		if f.End == nil {
			s.record(f, since[i])
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(s.lease/10 + time.Duration(s.rand.Int64N(int64(2*s.lease)))):
	}
	for i, f := range faults {
		if f.End != nil {
			failed = errors.Join(failed, part("end of "+f.Name, f.End))
			s.record(f, since[i])
		}
	}
	for _, f := range faults {
		failed = errors.Join(failed, part("after "+f.Name, f.After))
	}
	return failed
}

// part does a part of a fault, if there is such a part.
func part(what string, do func() error) error {
	if do == nil {
		return nil
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (s *schedule) record(f Fault, since int64) {
	r := Record{Op: Trouble, Call: since, Return: Now(), Result: f.Name}
	if f.Breaks {
		r.Op = Break
	}
	s.out.Put(r)
}
