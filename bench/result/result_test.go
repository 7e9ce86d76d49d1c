package result

import (
	"path/filepath"
	"reflect"
	"testing"
)

func of(values ...float64) *Result {
	r := &Result{}
	for _, v := range values {
		r.Rounds = append(r.Rounds, map[string]float64{"x": v})
	}
	return r
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}, {[]float64{7}, 7}} {
		if got, ok := of(c.values...).Median("x"); !ok || got != c.want {
			t.Errorf("the median of %v is %v, %t; want %v", c.values, got, ok, c.want)
		}
	}
	if _, ok := of(1).Median("y"); ok {
		t.Error("a metric that no round has has a median")
	}
}

// For ten values the second and the ninth: 97.9 % (Conover's table A3).
func TestInterval(t *testing.T) {
	for n, want := range map[int][2]float64{
		1: {1, 1}, 5: {1, 5}, 6: {1, 6}, 10: {2, 9}, 15: {4, 12}, 20: {6, 15},
	} {
		var values []float64
		for i := range n {
			values = append(values, float64(i+1))
		}
		if low, high := of(values...).Interval("x"); low != want[0] || high != want[1] {
			t.Errorf("of %d values the interval is %v to %v, want %v", n, low, high, want)
		}
	}
}

func TestARunIsReadAsItWasWritten(t *testing.T) {
	want := &Run{
		Command: "make bench", Date: "2026-11-23", Machine: "m", Versions: map[string]string{"go": "1"},
		Results: []Result{{Workload: "w", Variant: "v", Store: "s", Contender: "c", Rounds: []map[string]float64{{"x": 1}}, Latency: map[string]float64{"50": 2}}},
	}
	path := filepath.Join(t.TempDir(), "run.json")
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Load = %+v, %v; want %+v", got, err, want)
	}
	if got.Find("w", "v", "s", "c") == nil || got.Find("w", "v", "s", "d") != nil {
		t.Error("Find finds what is not there, or not what is")
	}
}

func TestAPartTakesThePlaceOfWhatItMeasuredAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	whole := &Run{Machine: "m", Results: []Result{{Workload: "a", Variant: "old"}, {Workload: "b"}, {Workload: "c", Variant: "old"}}}
	if err := whole.Save(path); err != nil {
		t.Fatal(err)
	}
	part := &Run{Machine: "m", Results: []Result{{Workload: "b", Rounds: []map[string]float64{{"x": 1}}}}}
	if err := part.Into(path, true); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || len(got.Results) != 3 || got.Results[1].Workload != "b" || len(got.Results[1].Rounds) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := (&Run{Machine: "another"}).Into(path, true); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(path); err != nil || len(got.Results) != 0 {
		t.Errorf("another machine's results stay: %+v, %v", got, err)
	}
}
