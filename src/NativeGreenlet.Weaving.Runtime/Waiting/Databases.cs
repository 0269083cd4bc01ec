using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Waiting;

/// <summary>How clients of databases that are not woven are called inside a hub: by their asynchronous methods, which a client has for each of its
/// synchronous ones. Those of <see cref="System.Data.Common"/> that a client does not override call the synchronous one.</summary>
/// <remarks>A woven client is called as it is, because what it calls parks, with fewer threads between the network and the task. Asynchronously, each
/// connection that comes back to a pool would go by way of the thread pool to the task that waits longest; a task that runs takes it at once.</remarks>
internal static class Databases
{
    // Whose asynchronous method begins on this thread. One that calls its own synchronous method means that one.
    [ThreadStatic]
    private static object? t_beginning;

    /// <summary>Whether the caller is inside a hub, the client is not woven, and this is not the beginning of an operation of this very object.</summary>
    public static bool CanPark(object self) => Hub.IsInside && self is not null && !ReferenceEquals(t_beginning, self) && !Woven.Is(self.GetType());

    /// <summary>Parks until an operation has ended. One that is given up is cancelled, and its end waited for.</summary>
    /// <param name="self">Whose operation it is.</param>
    /// <param name="operation">Begins it.</param>
    /// <param name="whenGivenUp">Gets a result that comes too late.</param>
    public static T Run<T>(object self, Func<CancellationToken, Task<T>> operation, Action<T>? whenGivenUp = null) =>
        Parking.Run(
            token =>
            {
                object? outer = Begin(self);
                try
                {
                    return operation(token);
                }
                finally
                {
                    t_beginning = outer;
                }
            },
            whenGivenUp: whenGivenUp);

    /// <summary>The same without a result.</summary>
    public static void Run(object self, Func<CancellationToken, Task> operation) =>
        Parking.Run(token =>
        {
            object? outer = Begin(self);
            try
            {
                return operation(token);
            }
            finally
            {
                t_beginning = outer;
            }
        });

    private static object? Begin(object self)
    {
        object? outer = t_beginning;
        t_beginning = self;
        return outer;
    }
}
