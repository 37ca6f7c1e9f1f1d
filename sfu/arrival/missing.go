package arrival

import "time"

const (
	// maxMissing is how many packets are asked for at a time. A longer gap is not
	// worth repeating: a key frame is smaller.
	maxMissing = 64

	// reorderGrace is how long a packet may be late before it is asked for.
	reorderGrace = 10 * time.Millisecond

	// askInterval is the least time between two requests for a packet, when round
	// trips are shorter or unknown.
	askInterval = 60 * time.Millisecond

	// maxAsks is how often a packet is asked for.
	maxAsks = 6
)

// missing are the packets that have not come, the oldest first.
type missing struct {
	entries  [maxMissing]gap
	n        int
	overflow bool
}

type gap struct {
	sequence uint16
	asks     uint8
	next     time.Time // when to ask (again)
}

func (m *missing) add(sequence uint16, now time.Time) {
	if m.n == maxMissing {
		m.n, m.overflow = 0, true
	}

	if m.overflow {
		return
	}

	m.entries[m.n] = gap{sequence: sequence, next: now.Add(reorderGrace)}
	m.n++
}

func (m *missing) found(sequence uint16) {
	for i := range m.n {
		if m.entries[i].sequence == sequence {
			m.remove(i)

			return
		}
	}
}

func (m *missing) remove(i int) {
	copy(m.entries[i:], m.entries[i+1:m.n])
	m.n--
}

// ask is Log.Ask.
func (m *missing) ask(ask []uint16, rtt time.Duration, now time.Time) (asked []uint16, hopeless bool) {
	hopeless = m.overflow
	m.overflow = false

	for i := 0; i < m.n; {
		g := &m.entries[i]

		switch {
		case now.Before(g.next):
			i++
		case g.asks == maxAsks:
			m.remove(i)

			hopeless = true
		default:
			g.asks++
			g.next = now.Add(max(rtt+rtt/4, askInterval))
			ask = append(ask, g.sequence)
			i++
		}
	}

	return ask, hopeless
}
