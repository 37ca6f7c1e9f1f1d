package app

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lowLayerKbps is what a student's page sends in the layer that a wall's tiles show:
// the bound of webclient/src/core/layers.ts.
const lowLayerKbps = 120

// need is what `kubectl exam plan` says, and its JSON.
type need struct {
	Exam     string    `json:"exam"`
	Title    string    `json:"title"`
	Students int       `json:"students"`
	Opens    time.Time `json:"opens"`
	Starts   time.Time `json:"starts"`
	// Ends, Leaves, when the SFU pods go, and TearsDown, when the others may, are
	// absent where there is no end.
	Ends       *time.Time  `json:"ends,omitempty"`
	Leaves     *time.Time  `json:"leaves,omitempty"`
	TearsDown  *time.Time  `json:"tearsDown,omitempty"`
	Components []component `json:"components"`
	// IngressKbps is what all students send at most, EgressKbps what the walls
	// receive, in kbit/s.
	IngressKbps int64 `json:"ingressKbps"`
	EgressKbps  int64 `json:"egressKbps"`
	// Nodes is absent where nothing is known of them.
	Nodes int   `json:"nodes,omitempty"`
	Cost  *cost `json:"cost,omitempty"`
}

// component is so many pods with the same requests each.
type component struct {
	Name   string            `json:"name"`
	Pods   int               `json:"pods"`
	CPU    resource.Quantity `json:"cpuPerPod"`
	Memory resource.Quantity `json:"memoryPerPod"`
}

// cost is in the currency of the prices; Hourly: of an hour, for want of an end.
type cost struct {
	Total      float64 `json:"total"`
	PerStudent float64 `json:"perStudent"`
	Hourly     bool    `json:"hourly,omitempty"`
}

// total is what all their pods request.
func total(components []component) (cpu, memory resource.Quantity) {
	for _, c := range components {
		for range c.Pods {
			cpu.Add(c.CPU)
			memory.Add(c.Memory)
		}
	}

	return cpu, memory
}

// nodes is how many nodes of a size the pods need, each put where it fits first, the
// largest of them first. That is at most a few more than the least.
func nodes(components []component, cpu, memory resource.Quantity) (int, error) {
	pods := []component{}

	for _, c := range components {
		if c.CPU.Cmp(cpu) > 0 || c.Memory.Cmp(memory) > 0 {
			return 0, fmt.Errorf("a pod of %s requests %s CPU and %s, more than a node has",
				c.Name, c.CPU.String(), c.Memory.String())
		}

		for range c.Pods {
			pods = append(pods, c)
		}
	}

	slices.SortStableFunc(pods, func(a, b component) int { return cmp.Or(b.CPU.Cmp(a.CPU), b.Memory.Cmp(a.Memory)) })

	type room struct{ cpu, memory resource.Quantity }

	var rooms []room

	for _, pod := range pods {
		index := slices.IndexFunc(rooms, func(r room) bool {
			return r.cpu.Cmp(pod.CPU) >= 0 && r.memory.Cmp(pod.Memory) >= 0
		})
		if index < 0 {
			rooms = append(rooms, room{cpu.DeepCopy(), memory.DeepCopy()})
			index = len(rooms) - 1
		}

		rooms[index].cpu.Sub(pod.CPU)
		rooms[index].memory.Sub(pod.Memory)
	}

	return len(rooms), nil
}

func (n *need) write(w io.Writer, width int, location *time.Location) error {
	out := &bytes.Buffer{}

	field(out, width, "Exam:", n.Exam+", "+n.Title)
	field(out, width, "Students:", strconv.Itoa(n.Students))
	field(out, width, "SFU pods:", n.when(location))
	field(out, width, "Media:", fmt.Sprintf("%.1f Mbit/s from students, %.1f Mbit/s to walls",
		float64(n.IngressKbps)/1000, float64(n.EgressKbps)/1000))

	if n.Nodes > 0 {
		field(out, width, "Nodes:", strconv.Itoa(n.Nodes))
	}

	if n.Cost != nil {
		unit := "for the exam"
		if n.Cost.Hourly {
			unit = "an hour"
		}

		field(out, width, "Cost:", fmt.Sprintf("%.2f %s, %.4f for each student", n.Cost.Total, unit, n.Cost.PerStudent))
	}

	fmt.Fprintln(out)

	t := &table{columns: []column{
		{title: "COMPONENT"}, {title: "PODS"}, {title: "CPU EACH"}, {title: "MEMORY EACH"}, {title: "CPU"}, {title: "MEMORY"},
	}}
	all := 0

	for _, c := range n.Components {
		cpu, memory := total([]component{c})
		t.rows = append(t.rows,
			[]string{c.Name, strconv.Itoa(c.Pods), c.CPU.String(), c.Memory.String(), cpu.String(), memory.String()})
		all += c.Pods
	}

	cpu, memory := total(n.Components)
	t.rows = append(t.rows, []string{"all", strconv.Itoa(all), "", "", cpu.String(), memory.String()})

	if err := t.write(out, width); err != nil {
		return err
	}

	_, err := w.Write(out.Bytes())

	return err
}

// when says from when to when the pods are there.
func (n *need) when(location *time.Location) string {
	text := "from " + at(&metav1.Time{Time: n.Opens}, location)
	if n.Ends == nil {
		return text + " until the Exam is deleted"
	}

	return text + " to " + at(&metav1.Time{Time: *n.Leaves}, location) + ", " + n.Leaves.Sub(n.Opens).String()
}
