using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DistillOnnx.Server.Hosting;

/// <summary>
/// Counts the connections of all addresses together and closes what comes beyond a limit at once. Kestrel's own limit counts each of
/// its endpoints apart, and a connection to a port of two protocols belongs to neither until it has sent something.
/// </summary>
/// <param name="limit">Most connections at a time; 0: no limit.</param>
internal sealed class ConnectionGate(int limit)
{
    private int _open;

    /// <summary>Most connections at a time; 0: no limit.</summary>
    public int Limit => limit;

    /// <summary>Called for each connection that is refused.</summary>
    public Action? Refused { get; set; }

    /// <summary>Counts a connection. False: there is no room, and it is to be closed.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= limit || limit == 0) return true;
        Leave();
        Refused?.Invoke();
        return false;
    }

    /// <summary>Gives the room of a connection back.</summary>
    public void Leave() => Interlocked.Decrement(ref _open);

    /// <summary>Counts the connections of an endpoint that accepts them itself.</summary>
    public void Guard(ListenOptions listen) => listen.Use(next => connection =>
    {
        if (TryEnter()) return LeaveAfterAsync(next, connection);
        connection.Abort();
        return Task.CompletedTask;
    });

    /// <summary>Gives the room of an endpoint's connections back, which were counted when they were accepted.</summary>
    public void Release(ListenOptions listen) => listen.Use(next => connection => LeaveAfterAsync(next, connection));

    private async Task LeaveAfterAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        try
        {
            await next(connection);
        }
        finally
        {
            Leave();
        }
    }
}
