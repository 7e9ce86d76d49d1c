package main

import (
	"bytes"
	"image/color"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/concurrent-go/concurrent/bench/result"
)

// colours are told apart by those who see no red or no green (Okabe and Ito,
// Color Universal Design, 2008). The page behind is white, also where the reader's
// is dark.
var colours = []color.RGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {86, 180, 233, 255}, {230, 159, 0, 255},
}

var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{}, draw.RingGlyph{}}

// A figure is lines over the first number in the variants' names.
type figure struct {
	file, title, x, y string
	workload, store   string
	value             func(*result.Result) (float64, bool)
}

var figures = []figure{
	{"throughput-memory", "Acquire and Release in one process", "goroutines", "pairs a second", "pair", "memory", perSecond},
	{"throughput-redis", "Acquire and Release on Redis, a key for each goroutine", "goroutines", "pairs a second", "pair", "redis", perSecond},
	{"throughput-postgres", "Acquire and Release on PostgreSQL, a key for each goroutine", "goroutines", "pairs a second", "pair", "postgres", perSecond},
	{"handover-redis", "From one process to the next, Redis, median", "processes that want the key", "microseconds", "processes", "redis", median},
	{"handover-postgres", "From one process to the next, PostgreSQL, median", "processes that want the key", "microseconds", "processes", "postgres", median},
	{"hot-redis", "One key, one process, Redis", "goroutines", "sections a second", "hot key", "redis", perSecond},
}

func perSecond(r *result.Result) (float64, bool) { return r.Median("ops/s") }

func median(r *result.Result) (float64, bool) {
	v, ok := r.Latency["50"]
	return v, ok && v > 0
}

func plots(run *result.Run, dir string) error {
	for i := range figures {
		if err := figures[i].draw(run, dir); err != nil {
			return err
		}
	}
	if err := recoveries(run, dir); err != nil {
		return err
	}
	return heldCosts(run, dir)
}

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding, p.X.Padding, p.Y.Padding = 3*vg.Millimeter, 2*vg.Millimeter, 2*vg.Millimeter
	p.BackgroundColor = color.White
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{224}, color.Gray{224}
	p.Add(grid)
	p.Legend.Top, p.Legend.Padding = true, vg.Millimeter
	return p
}

// draw draws a figure: both axes in powers.
func (f *figure) draw(run *result.Run, dir string) error {
	p := newPlot(f.title, f.x, f.y+" (log)")
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
	p.X.Scale = plot.LogScale{}
	ticks := map[float64]bool{}
	lines := 0
	for _, by := range contenders(run, f.workload, f.store) {
		var points plotter.XYs
		for _, r := range run.Results {
			x, plain := number(r.Variant)
			y, ok := f.value(&r)
			if r.Workload == f.workload && r.Store == f.store && r.Contender == by && plain && ok && y > 0 {
				points = append(points, plotter.XY{X: x, Y: y})
				ticks[x] = true
			}
		}
		if len(points) == 0 {
			continue
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = colours[lines%len(colours)], vg.Points(1.5)
		marks.Color, marks.Shape, marks.Radius = line.Color, shapes[lines%len(shapes)], vg.Points(3)
		p.Add(line, marks)
		p.Legend.Add(by, line, marks)
		lines++
	}
	if lines == 0 {
		return nil
	}
	p.X.Tick.Marker = at(ticks)
	p.X.Max *= 4 // the names stand there
	p.Y.Min, p.Y.Max = p.Y.Min/1.2, p.Y.Max*1.2
	return save(p, dir, f.file)
}

// number is the number that a variant's name begins with, and whether it is a
// plain one, without anything special.
func number(variant string) (float64, bool) {
	digits, rest, _ := strings.Cut(variant, " ")
	n, err := strconv.ParseFloat(digits, 64)
	return n, err == nil && !strings.Contains(rest, ",")
}

// at has ticks at some values alone.
type at map[float64]bool

func (a at) Ticks(float64, float64) []plot.Tick {
	var all []plot.Tick
	for _, v := range slices.Sorted(maps.Keys(a)) {
		all = append(all, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return all
}

// decades has ticks at 1, 2 and 5 of every power of ten.
type decades struct{}

func (decades) Ticks(least, most float64) []plot.Tick {
	var all []plot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(least))); power <= most; power *= 10 {
		for _, v := range []float64{power, 2 * power, 5 * power} {
			if v >= least && v <= most {
				all = append(all, plot.Tick{Value: v, Label: short(v)})
			}
		}
	}
	return all
}

// A bar is one of a chart.
type bar struct {
	name  string
	value float64
}

// chart draws bars, lying, the first on top.
func chart(title, unit string, bars []bar, dir, file string) error {
	if len(bars) == 0 {
		return nil
	}
	p := newPlot(title, unit, "")
	var values plotter.Values
	var names []string
	for i := range bars {
		b := bars[len(bars)-1-i]
		values, names = append(values, b.value), append(names, b.name)
	}
	drawn, err := plotter.NewBarChart(values, vg.Points(12))
	if err != nil {
		return err
	}
	drawn.Horizontal, drawn.Color, drawn.LineStyle.Width = true, colours[0], 0
	p.Add(drawn)
	p.NominalY(names...)
	p.Y.Tick.Label.XAlign = draw.XRight
	p.X.Min = 0
	return save(p, dir, file)
}

func recoveries(run *result.Run, dir string) error {
	var bars []bar
	for _, r := range run.Results {
		if v, ok := r.Median("ms"); ok && r.Workload == "recovery" {
			bars = append(bars, bar{r.Store + ": " + r.Contender, v})
		}
	}
	return chart("A holder is killed: until the next has the lock (leases of 2 s)", "milliseconds", bars, dir, "recovery")
}

func heldCosts(run *result.Run, dir string) error {
	var bars []bar
	for _, r := range run.Results {
		v, ok := r.Median("client-%core")
		if n, _ := number(r.Variant); ok && r.Workload == "held" {
			bars = append(bars, bar{r.Store + ": " + r.Contender + ", " + r.Variant, v / n * 1000})
		}
	}
	return chart("Locks kept alive, leases of 30 s: the client's processor time", "percent of a core for 1,000 locks", bars, dir, "held")
}

// fonts are as wide as the one that the text was measured with, on every system.
const fonts = "font-family:'Liberation Serif','Times New Roman',Times,serif"

func save(p *plot.Plot, dir, file string) error {
	to, err := p.WriterTo(18*vg.Centimeter, 9*vg.Centimeter, "svg")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := to.WriteTo(&b); err != nil {
		return err
	}
	text := strings.ReplaceAll(b.String(), "font-family:Liberation Serif", fonts)
	return os.WriteFile(filepath.Join(dir, file+".svg"), []byte(text), 0o666)
}
