package transport

import (
	"github.com/pion/logging"
	"go.uber.org/zap"
)

// loggerFactory hands pion's messages to zap at level debug, whatever pion
// thinks of them: anybody can send packets to the media port, and pion warns of
// each bad one. What matters of a connection is its state, which ends as the
// one reason of its session.
type loggerFactory struct {
	logger *zap.Logger
}

// NewLogger returns the logger of one part of pion.
func (f loggerFactory) NewLogger(scope string) logging.LeveledLogger {
	return leveledLogger{f.logger.Named(scope).WithOptions(zap.AddCallerSkip(1)).Sugar()}
}

type leveledLogger struct {
	logger *zap.SugaredLogger
}

// Trace does nothing: pion traces every packet, and nobody reads that.
func (leveledLogger) Trace(string) {}

// Tracef does nothing either.
func (leveledLogger) Tracef(string, ...any) {}

// Debug is logging.LeveledLogger's, as are those below.
func (l leveledLogger) Debug(message string) { l.logger.Debug(message) }

// Debugf logs at level debug.
func (l leveledLogger) Debugf(format string, values ...any) { l.logger.Debugf(format, values...) }

// Info logs at level debug.
func (l leveledLogger) Info(message string) { l.logger.Debug(message) }

// Infof logs at level debug.
func (l leveledLogger) Infof(format string, values ...any) { l.logger.Debugf(format, values...) }

// Warn logs at level debug.
func (l leveledLogger) Warn(message string) { l.logger.Debug(message) }

// Warnf logs at level debug.
func (l leveledLogger) Warnf(format string, values ...any) { l.logger.Debugf(format, values...) }

// Error logs at level debug.
func (l leveledLogger) Error(message string) { l.logger.Debug(message) }

// Errorf logs at level debug.
func (l leveledLogger) Errorf(format string, values ...any) { l.logger.Debugf(format, values...) }
