// Package plan sizes an exam: (roster, spec, phase) in, pods out. It is pure and
// knows nothing of Kubernetes.
//
// Size, with n students of whom a pod takes p, and s spares:
//
//	need     = ceil(n / p)
//	pods     = need + s
//	pods     = max(pods, current)      from warm-up to the end: a pod that may
//	                                   hold students is never taken away
//	pods     = current                 before warm-up: nothing is made, nothing
//	                                   that runs is taken away; and while the exam
//	                                   finishes, unless there is none
//	pods     = 0                       afterwards
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
package plan

import "github.com/invigil/invigil/controllers/course"

const (
	// MaxPods is the most SFU pods of one exam; status lists each of them.
	MaxPods = 64

	baseMilliCPU       = 100
	milliCPUPerStudent = 3
	baseMemoryMiB      = 64
	memoryMiBPerStud   = 1
	kbpsPerStudent     = 400
)

// Input is what a plan is made from.
type Input struct {
	Students       int32
	StudentsPerPod int32
	Spares         int32
	// CurrentPods is how many SFU pods the exam has been given already.
	CurrentPods int32
	// Phase is where the exam stands.
	Phase course.Phase
}

// Plan is what an exam needs now.
type Plan struct {
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

// TooManyPods says whether the plan is beyond what an Exam may have.
func (p Plan) TooManyPods() bool { return p.Pods > MaxPods }

// Make plans the exam.
func Make(in Input) Plan {
	p := Plan{
		StudentsPerPod: in.StudentsPerPod,
		PodMilliCPU:    baseMilliCPU + milliCPUPerStudent*int64(in.StudentsPerPod),
		PodMemoryMiB:   baseMemoryMiB + memoryMiBPerStud*int64(in.StudentsPerPod),
		IngressKbps:    kbpsPerStudent * int64(in.Students),
		Need:           (in.Students + in.StudentsPerPod - 1) / in.StudentsPerPod,
	}

	p.Pods = pods(in, p.Need)
	p.Spares = max(p.Pods-p.Need, 0)

	return p
}

func pods(in Input, need int32) int32 {
	switch {
	case in.Phase == course.Scheduled, in.Phase == course.Finishing && in.CurrentPods > 0:
		return in.CurrentPods
	case in.Phase.InSession():
		return max(need+in.Spares, in.CurrentPods)
	default:
		return 0
	}
}
