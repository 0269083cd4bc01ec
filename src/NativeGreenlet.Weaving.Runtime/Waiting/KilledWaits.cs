using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Weaving.Waiting;

/// <summary>
/// Which connection a killed task was waiting for. A library may take the kill for its own cancellation or for a failure, and go on:
/// Npgsql sends the server a request to cancel, reads on, and has the answer if that was already on its way. So the kill is thrown again at
/// each further use of that connection by that task. Other tasks can use it, and this one all other connections: its <c>finally</c> blocks
/// close what else it has.
/// </summary>
internal static class KilledWaits
{
    private static readonly ConditionalWeakTable<GreenTask, object> s_connections = [];

    /// <summary>Notes that an exception ends a wait for a connection, if it is what the current task was killed by. The filter of a
    /// <c>catch</c> block that catches nothing.</summary>
    /// <param name="connection">A socket or a stream.</param>
    /// <param name="exception">What the wait throws.</param>
    /// <returns>False.</returns>
    public static bool Note(object connection, Exception exception)
    {
        if (HubLoop.OfThisThreadOrNull?.CurrentTask is { } task && task.IsKilledBy(exception))
        {
            s_connections.AddOrUpdate(task, Identity(connection));
        }

        return false;
    }

    /// <summary>Throws the kill again if the current task was killed while it waited for this connection.</summary>
    /// <param name="connection">A socket or a stream.</param>
    public static void ThrowAgain(object connection)
    {
        if (HubLoop.OfThisThreadOrNull?.CurrentTask is { WasKilled: true } task
            && s_connections.TryGetValue(task, out object? known)
            && ReferenceEquals(known, Identity(connection)))
        {
            task.ThrowKillAgain();
        }
    }

    // A socket and the stream over it are one connection.
    private static object Identity(object connection) => connection is NetworkStream stream ? stream.Socket : connection;
}
