package session

import "container/heap"

// agenda orders sessions by when time alone next changes something about them,
// so that letting time pass costs by what is due and not by how many there are.
type agenda []*entry

// Len implements heap.Interface.
func (a *agenda) Len() int { return len(*a) }

// Less implements heap.Interface.
func (a *agenda) Less(i, j int) bool { return (*a)[i].due < (*a)[j].due }

// Swap implements heap.Interface.
func (a *agenda) Swap(i, j int) {
	list := *a
	list[i], list[j] = list[j], list[i]
	list[i].index, list[j].index = i, j
}

// Push implements heap.Interface.
func (a *agenda) Push(x any) {
	e, _ := x.(*entry)
	e.index = len(*a)
	*a = append(*a, e)
}

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	old := *a
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	e.index = -1

	return e
}

// put makes sure that e is looked at by the given time; 0: never. An earlier look
// that turns out to be needless is cheaper than to move it with every report.
func (a *agenda) put(e *entry, due int64) {
	switch {
	case due == 0:
	case e.index < 0:
		e.due = due
		heap.Push(a, e)
	case due < e.due:
		e.due = due
		heap.Fix(a, e.index)
	}
}

// next takes what is due out; nil if nothing is.
func (a *agenda) next(now int64) *entry {
	if len(*a) == 0 || (*a)[0].due > now {
		return nil
	}

	e, _ := heap.Pop(a).(*entry)

	return e
}

func (a *agenda) drop(e *entry) {
	if e.index >= 0 {
		heap.Remove(a, e.index)
	}
}

// sooner is the earlier of two times; 0 means never.
func sooner(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}

	return a
}
