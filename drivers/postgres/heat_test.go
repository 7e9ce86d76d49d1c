package postgres

import "testing"

func TestTheKeyThatIsWaitedForMostIsHot(t *testing.T) {
	var h heat
	for range hot - 1 {
		h.rise(1)
	}
	if h.isHot(1) {
		t.Errorf("it is hot after %d waits", hot-1)
	}
	for range 100 {
		h.rise(1)
		h.rise(2)
		h.rise(1)
	}
	if !h.isHot(1) || h.isHot(2) {
		t.Errorf("of two keys, one waited for twice as often, %d is hot with %d votes", h.lock, h.votes)
	}
	for range 2 * hottest {
		h.rise(2)
	}
	if !h.isHot(2) {
		t.Error("the key that is waited for now is not hot")
	}
}

func TestAKeyThatIsNotWaitedForCools(t *testing.T) {
	h := heat{lock: 1, votes: hottest}
	h.fall(2, hottest)
	if !h.isHot(1) {
		t.Error("another key cooled it")
	}
	for range hottest - hot + 1 {
		h.fall(1, 1)
	}
	if h.isHot(1) {
		t.Errorf("it is hot with %d votes", h.votes)
	}
	h = heat{lock: 1, votes: hottest}
	if h.fall(1, hottest); h.isHot(1) || h.votes != 0 {
		t.Errorf("after a wait in vain it has %d votes", h.votes)
	}
}
