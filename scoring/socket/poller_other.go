//go:build !linux

package socket

import "os"

// poller here is a goroutine for each socket, for development.
type poller struct{ files map[*Socket]*os.File }

func newPoller(*Group) (*poller, error) { return &poller{files: map[*Socket]*os.File{}}, nil }

func (p *poller) add(s *Socket) error {
	file, err := s.file()
	if err != nil {
		return err
	}

	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}

	p.files[s] = file

	go func() {
		// It is asked again whenever something has come, until the file is closed.
		_ = raw.Read(func(uintptr) bool {
			s.arrived(true)

			return false
		})
	}()

	return nil
}

func (p *poller) remove(s *Socket) {
	if file := p.files[s]; file != nil {
		_ = file.Close()
	}

	delete(p.files, s)
}

func (p *poller) close() {}
