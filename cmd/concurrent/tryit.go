package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// A tryItCommand is a show of ten seconds: five processes, one key. It runs
// the real library on a store in a directory of its own, which it removes.
type tryItCommand struct{}

const (
	workers  = 5
	showTime = 10 * time.Second
	killAt   = 3 * time.Second
	freezeAt = 5 * time.Second

	// showLease is long enough to be seen running out.
	showLease = 2 * time.Second

	showKey = "the one key"
)

// Run returns an error if the lock broke a promise, or a signal ended the show.
func (c *tryItCommand) Run(s *streams) error {
	dir, err := os.MkdirTemp("", "concurrent-try-it-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing more can be done about it
	signals := make(chan os.Signal, 1)
	catch(signals, endingSignals)
	defer signal.Stop(signals)

	screen := newScreen(s.out, workers)
	defer screen.close()
	players, err := startCast(workers, fileURL(filepath.Join(dir, "locks")), showKey, showLease, s.err)
	if err != nil {
		return err
	}
	p := &play{cast: players, screen: screen, score: newScore(), began: time.Now()}
	return p.perform(signals)
}

// A play is a try-it under way.
type play struct {
	cast   *cast
	screen *screen
	score  *score
	began  time.Time

	killed, frozen   int // who was
	freed, ranOut    time.Duration
	thawed, noFreeze bool
}

// perform lets the play take its course and says how it went.
func (p *play) perform(signals <-chan os.Signal) error {
	p.screen.title("%d processes share one lock; its lease is %v, renewed while it is held", workers, showLease)
	over := time.NewTimer(showTime)
	defer over.Stop()
	tick := time.NewTicker(frameTime)
	defer tick.Stop()
	var err error
	seen := p.cast.seen
	for ending := false; seen != nil; {
		select {
		case s, more := <-seen:
			if !more {
				seen = nil
			} else if p.take(s); !ending {
				p.act(s)
			}
		case <-tick.C:
			p.screen.frame(time.Since(p.began))
		case sig := <-signals:
			err = status(codeOfSignal(sig))
			over.Reset(0)
		case <-over.C:
			if !ending {
				ending = true
				go p.cast.end()
			}
		}
	}
	if err != nil {
		return err
	}
	return p.verdict()
}

// take shows what a worker did.
func (p *play) take(s sighting) {
	at := s.at.Sub(p.began)
	free := p.score.take(s)
	p.screen.did(s.Worker, s.Did)
	switch {
	case s.Did == got && free > 0 && p.frozen > 0:
		p.ranOut = free
		p.screen.say(at, s.Worker, "got the lock %v after worker %d was frozen; token %d", free.Round(time.Millisecond), p.frozen, s.Token)
	case s.Did == got && free > 0:
		p.freed = free
		p.screen.say(at, s.Worker, "got the lock %v after worker %d was killed; token %d", free.Round(time.Millisecond), p.killed, s.Token)
	case s.Did == got:
		p.screen.say(at, s.Worker, "got the lock; token %d", s.Token)
	case s.Did == lost:
		p.screen.say(at, s.Worker, "learns that it lost the lock; its token %d is old", s.Token)
	}
}

// act strikes whoever has just got the lock when it is time to.
func (p *play) act(s sighting) {
	at := s.at.Sub(p.began)
	switch {
	case s.Did != got:
	case p.killed == 0 && at >= killAt:
		p.killed = s.Worker
		p.cast.kill(s.Worker)
		p.score.strike(s.Worker, s.at)
		p.screen.did(s.Worker, wasKilled)
		p.screen.say(at, s.Worker, "is killed while it holds the lock")
	case p.frozen == 0 && !p.noFreeze && p.freed > 0 && at >= freezeAt:
		if err := p.cast.freeze(s.Worker); err != nil {
			p.noFreeze = true
			p.screen.say(at, s.Worker, "is spared: %v", err)
			return
		}
		p.frozen = s.Worker
		p.score.strike(s.Worker, s.at)
		p.screen.did(s.Worker, wasFrozen)
		p.screen.say(at, s.Worker, "is frozen while it holds the lock; its lease runs out")
	case p.ranOut > 0 && !p.thawed:
		p.thawed = true
		p.cast.thaw(p.frozen)
		p.score.back(p.frozen)
		p.screen.did(p.frozen, releases)
		p.screen.say(at, p.frozen, "goes on")
	}
}

// verdict sums the play up, and is an error if a promise was broken.
func (p *play) verdict() error {
	broken := p.score.broken
	if p.freed == 0 {
		broken = append(broken, "the lock of the killed worker did not become free")
	}
	if p.ranOut == 0 && !p.noFreeze {
		broken = append(broken, "the lock of the frozen worker did not become free")
	}
	if len(broken) > 0 {
		return failure{errors.New(strings.Join(broken, "; ")), exitNo}
	}
	lines := []string{
		fmt.Sprintf("%d turns, never two at once, and every token larger than the one before.", p.score.turns),
		fmt.Sprintf("The killed worker's lock was free after %v.", p.freed.Round(time.Millisecond)),
	}
	if !p.noFreeze {
		lines = append(lines, fmt.Sprintf("The frozen worker's lock was free after %v: its lease of %v had run out.", p.ranOut.Round(time.Millisecond), showLease))
	}
	p.screen.end(lines)
	return nil
}
