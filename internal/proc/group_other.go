//go:build !linux

package proc

import "context"

// Look does nothing: this system lists groups and memory together.
func (g *Group) Look() {}

// Memory returns how many bytes the processes of the group have in memory together.
func (g *Group) Memory(ctx context.Context) (int64, error) { return listed(ctx, g.ID) }
