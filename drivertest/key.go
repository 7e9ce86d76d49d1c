package drivertest

import (
	"errors"
	"strings"

	"github.com/concurrent-go/concurrent/driver"
)

var keys = []promised{
	{"a key is any bytes, 1 to 1024 of them", keyShapes},
	{"a key that is empty or too long is ErrInvalidRequest", badKeys},
	{"keys that differ in one bit, or in case, or by a space, are different keys", similarKeys},
	{"a bad owner or holder is ErrInvalidRequest", badOwners},
}

var shapes = []string{
	"k", " ", "\x00", "a\x00b", "{}", "{a}b", "}{", "a b\tc\n", "ключ", "\xff\xfe\xfd", "%s%d%n", "a/b/../c", "..", "/", "\\",
	"*", "?", "[a]", "'; drop table locks; --", "CON", "key.lock", strings.Repeat("k", driver.MaxKey),
	strings.Repeat("\x00", driver.MaxKey), strings.Repeat("ü", driver.MaxKey/2),
}

func keyShapes(s *scene) {
	one, two := s.open(), s.open()
	var all []driver.Request
	for _, key := range shapes {
		r := s.request(key)
		s.take(one, r)
		all = append(all, r)
	}
	for _, r := range all {
		s.refused(two, s.request(r.Key))
		if i, ok := two.(driver.Inspector); ok {
			info, err := i.Inspect(s.ctx, r.Key)
			if !errors.Is(err, driver.ErrUnsupported) && (err != nil || info.Key != r.Key || len(info.Holders) != 1) {
				s.broken("Inspect of %s: %s with %d holders, %v", show(r.Key), show(info.Key), len(info.Holders), err)
			}
		}
		s.giveBack(one, r)
		s.free(two, r.Key)
	}
}

// everyMethod calls each method of a store that takes a request.
func (s *scene) everyMethod(st driver.Store, r driver.Request) map[string]error {
	errs := make(map[string]error)
	_, errs["TryAcquire"] = st.TryAcquire(s.ctx, r)
	_, errs["Extend"] = st.Extend(s.ctx, r)
	errs["Release"] = st.Release(s.ctx, r)
	if w, ok := st.(driver.Waiter); ok {
		_, errs["Acquire"] = w.Acquire(s.ctx, r)
	}
	if k, ok := st.(driver.Keeper); ok {
		errs["Keep"] = k.Keep(s.ctx, r)
	}
	if b, ok := st.(driver.Batcher); ok {
		_, all := b.ExtendAll(s.ctx, []driver.Request{r})
		errs["ExtendAll"] = errors.Join(all...)
	}
	return errs
}

func badKeys(s *scene) {
	st := s.open()
	for _, key := range []string{"", strings.Repeat("k", driver.MaxKey+1), strings.Repeat("k", 1<<20)} {
		errs := s.everyMethod(st, s.request(key))
		if i, ok := st.(driver.Inspector); ok {
			_, errs["Inspect"] = i.Inspect(s.ctx, key)
			_, errs["Break"] = i.Break(s.ctx, key)
		}
		for method, err := range errs {
			if !errors.Is(err, driver.ErrInvalidRequest) && !errors.Is(err, driver.ErrUnsupported) {
				s.broken("%s of %s: %v", method, show(key), err)
			}
		}
	}
}

func similarKeys(s *scene) {
	st := s.open()
	full := strings.Repeat("k", driver.MaxKey)
	for _, pair := range [][2]string{
		{"aaaa", "aaac"},
		{"aaaa", "eaaa"},
		{"k", "K"},
		{"k", "k "},
		{"k", " k"},
		{"k", "k\x00"},
		{"\x00", "\x00\x00"},
		{full, full[1:]},
		{full, full[:driver.MaxKey-1] + "l"},
		{"a/b", "a_b"},
		{"a:b", "a/b"},
		{"é", "e\u0301"},
		{"1", "01"},
	} {
		a, b := s.request(pair[0]), s.request(pair[1])
		s.take(st, a)
		if _, err := st.TryAcquire(s.ctx, b); err != nil {
			s.fatal("%s is held, and %s is refused: %v", show(pair[0]), show(pair[1]), err)
		}
		s.giveBack(st, a)
		s.refused(st, s.request(pair[1]))
		s.giveBack(st, b)
	}
}

func badOwners(s *scene) {
	st := s.open()
	for what, change := range map[string]func(*driver.Request){
		"no owner":            func(r *driver.Request) { r.Owner = "" },
		"an owner too long":   func(r *driver.Request) { r.Owner = strings.Repeat("o", 65) },
		"an owner with space": func(r *driver.Request) { r.Owner = "a b" },
		"an owner with NUL":   func(r *driver.Request) { r.Owner = "a\x00" },
		"a long host":         func(r *driver.Request) { r.Holder.Host = strings.Repeat("h", 256) },
		"a long label":        func(r *driver.Request) { r.Holder.Label = strings.Repeat("l", 256) },
	} {
		r := s.request("k")
		change(&r)
		for method, err := range s.everyMethod(st, r) {
			if !errors.Is(err, driver.ErrInvalidRequest) && !errors.Is(err, driver.ErrUnsupported) {
				s.broken("%s with %s: %v", method, what, err)
			}
		}
	}
	longest := s.request("k")
	longest.Owner = strings.Repeat("~", 64)
	longest.Holder = driver.Holder{Host: strings.Repeat("\xff", 255), Label: strings.Repeat("\x00", 255)}
	s.take(st, longest)
	s.giveBack(st, longest)
}
