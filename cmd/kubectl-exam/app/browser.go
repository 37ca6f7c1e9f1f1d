package app

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
)

// openBrowser opens a page in the user's browser, with the system's own opener
// or the program that the environment names.
func openBrowser(ctx context.Context, url string) error {
	program, args := os.Getenv("BROWSER"), []string{url}

	switch {
	case program != "":
	case runtime.GOOS == "darwin":
		program = "open"
	case runtime.GOOS == "windows":
		program, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return errors.New("this machine has no display")
	default:
		program = "xdg-open"
	}

	// The browser outlives the forwarding.
	command := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	if err := command.Start(); err != nil {
		return err
	}

	return command.Process.Release()
}
