// Package plan sizes an exam and dates it: (roster, spec, clock) in, pods and
// dates out. It is pure and knows nothing of Kubernetes.
//
// Size, with n students of whom a pod takes p, and s spares:
//
//	need     = ceil(n / p)
//	pods     = need + s
//	pods     = max(pods, current)      while the exam is open or live: a pod that
//	                                   may hold students is never taken away
//	pods     = current                 before warm-up: nothing is made, nothing
//	                                   that runs is taken away
//	pods     = 0                       Linger after the last student's end
//	spares   = pods - need
//
// Resources, from what one sending student costs (about 3 ms of CPU a second
// and 0.5 MiB with WebRTC in Go, measured with 100 publishers):
//
//	cpu/pod    = 100 m + 3 m * p
//	memory/pod = 64 MiB + 1 MiB * p
//	ingress    = n * 400 kbit/s
//
//	sessions/pod <= p + p/4 + 8
//
// Students are assigned by hash, which is uneven (its deviation is about the
// root of p), and a lost pod's students are spread over the others; the limit
// leaves room for both and still keeps a pod from drowning.
//
// A pod is sized by p and not by n, so that a growing roster adds pods and never
// changes those that run.
//
// Dates: starts = startTime or the Exam's creation; opens = starts - warmup;
// ends = endTime, or starts + duration, or never. The last student's end is the
// exam's with the largest extra time and the grace; and while sessions still run
// beyond that, since people have paused or extended them, MaxOverrun later.
package plan

import "time"

const (
	// MaxPods is the most SFU pods of one exam; status lists each of them.
	MaxPods = 64
	// Linger is how long SFU pods stay after the end, so that the last frames
	// and reports arrive.
	Linger = time.Minute
	// MaxOverrun is how long sessions that still run keep the pods, at most.
	MaxOverrun = 12 * time.Hour

	baseMilliCPU       = 100
	milliCPUPerStudent = 3
	baseMemoryMiB      = 64
	memoryMiBPerStud   = 1
	kbpsPerStudent     = 400
)

// Phase is where the exam stands by the clock alone.
type Phase string

// The phases.
const (
	// Scheduled: warm-up has not begun.
	Scheduled Phase = "Scheduled"
	// Open: between warm-up's beginning and the exam's.
	Open Phase = "Open"
	// Live: between the exam's beginning and its end.
	Live Phase = "Live"
	// Finished: the end has passed.
	Finished Phase = "Finished"
)

// Input is what a plan is made from.
type Input struct {
	Students       int32
	StudentsPerPod int32
	Spares         int32
	// CurrentPods is how many SFU pods the exam has been given already.
	CurrentPods int32

	// Created is when the Exam was made; it begins then when Start is zero.
	Created time.Time
	// Start and End are zero when not given, Duration and Warmup 0.
	Start    time.Time
	End      time.Time
	Duration time.Duration
	Warmup   time.Duration
	// Extra is the largest extra time of a student, with the grace.
	Extra time.Duration
	// Running is whether any student's session is live or paused.
	Running bool
}

// Plan is what an exam needs now.
type Plan struct {
	Phase Phase
	// Opens, Starts and Ends date the exam; Ends is zero when it has no end.
	Opens  time.Time
	Starts time.Time
	Ends   time.Time
	// Leaves is when the pods go; zero without an end.
	Leaves time.Time
	// NextEdge is when the plan is another one by the clock; zero for never.
	NextEdge time.Time

	// Need is the number of pods that the roster fills, Pods with spares.
	Need           int32
	Pods           int32
	Spares         int32
	StudentsPerPod int32
	// PodMilliCPU and PodMemoryMiB are one pod's requests.
	PodMilliCPU  int64
	PodMemoryMiB int64
	IngressKbps  int64
}

// MilliCPU is the CPU of all SFU pods together, in thousandths of a core.
func (p Plan) MilliCPU() int64 { return int64(p.Pods) * p.PodMilliCPU }

// MaxSessions is the most students that one pod admits.
func (p Plan) MaxSessions() int32 { return p.StudentsPerPod + p.StudentsPerPod/4 + 8 }

// Runs says whether the exam's pods belong in the cluster by the clock.
func (p Plan) Runs() bool { return p.Phase != Scheduled }

// Protected says whether students may be in the exam, so that its pods must not
// be moved.
func (p Plan) Protected() bool {
	return p.Phase == Open || p.Phase == Live || p.Phase == Finished && p.Pods > 0
}

// TooManyPods says whether the plan is beyond what an Exam may have.
func (p Plan) TooManyPods() bool { return p.Pods > MaxPods }

// Make plans the exam as of now.
func Make(in Input, now time.Time) Plan {
	p := Plan{
		StudentsPerPod: in.StudentsPerPod,
		PodMilliCPU:    baseMilliCPU + milliCPUPerStudent*int64(in.StudentsPerPod),
		PodMemoryMiB:   baseMemoryMiB + memoryMiBPerStud*int64(in.StudentsPerPod),
		IngressKbps:    kbpsPerStudent * int64(in.Students),
		Need:           (in.Students + in.StudentsPerPod - 1) / in.StudentsPerPod,
	}

	date(&p, in, now)
	size(&p, in, now)

	return p
}

func date(p *Plan, in Input, now time.Time) {
	p.Starts = in.Start
	if p.Starts.IsZero() {
		p.Starts = in.Created
	}

	p.Opens = p.Starts.Add(-in.Warmup)

	switch {
	case !in.End.IsZero():
		p.Ends = in.End
	case in.Duration > 0:
		p.Ends = p.Starts.Add(in.Duration)
	}

	if !p.Ends.IsZero() {
		p.Leaves = p.Ends.Add(in.Extra + Linger)
		if in.Running && !now.Before(p.Leaves) {
			p.Leaves = p.Ends.Add(in.Extra + MaxOverrun)
		}
	}

	// An end without a start may lie before the Exam was made; it ends then,
	// and order of dates still holds.
	switch {
	case !p.Ends.IsZero() && !now.Before(p.Ends):
		p.Phase = Finished
		p.NextEdge = p.Leaves
	case !now.Before(p.Starts):
		p.Phase = Live
		p.NextEdge = p.Ends
	case !now.Before(p.Opens):
		p.Phase = Open
		p.NextEdge = p.Starts
	default:
		p.Phase = Scheduled
		p.NextEdge = p.Opens
	}

	if !now.Before(p.NextEdge) {
		p.NextEdge = time.Time{}
	}
}

func size(p *Plan, in Input, now time.Time) {
	switch {
	case p.Phase == Scheduled:
		p.Pods = in.CurrentPods
	case p.Phase == Finished && now.Before(p.Leaves):
		p.Pods = in.CurrentPods
	case p.Phase == Finished:
		p.Pods = 0
	default:
		p.Pods = max(p.Need+in.Spares, in.CurrentPods)
	}

	p.Spares = max(p.Pods-p.Need, 0)
}
