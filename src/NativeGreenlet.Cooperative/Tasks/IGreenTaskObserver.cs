namespace NativeGreenlet.Cooperative;

/// <summary>Is told when a task goes on and when it has parked: for engines that keep something of their own for what runs, a context, a
/// turn. See <see cref="GreenTask.Observer"/>.</summary>
/// <remarks>Both are called in the hub's thread, between tasks, and must not wait. They come in pairs, the first one first. An exception
/// goes to <see cref="Hub.UnhandledException"/>; the task goes on all the same.</remarks>
/// <example><code>
/// Hub.Run(() =>
/// {
///     Hub.CurrentTask.Observer = new Clock();
///     Hub.Sleep(TimeSpan.FromSeconds(1)); // tells twice
/// });
///
/// sealed class Clock : IGreenTaskObserver
/// {
///     private long _start;
///
///     public void GoingOn(GreenTask task) => _start = Environment.TickCount64;
///
///     public void Parked(GreenTask task) => Console.WriteLine($"{task} ran for {Environment.TickCount64 - _start} ms");
/// }
/// </code></example>
public interface IGreenTaskObserver
{
    /// <summary>Tells that a task is about to start, or to go on after a wait.</summary>
    /// <param name="task">The task.</param>
    void GoingOn(GreenTask task);

    /// <summary>Tells that a task has parked, or has ended (<see cref="GreenTask.IsCompleted"/>).</summary>
    /// <param name="task">The task.</param>
    void Parked(GreenTask task);

    /// <summary>Tells that a task begins, on its own stack: where greenlets are threads, in a thread of its own, for which this is the place to set
    /// what belongs to the thread. Not for the task that sets the observer itself.</summary>
    /// <param name="task">The task.</param>
    void Entering(GreenTask task)
    {
    }

    /// <summary>Tells that a task has ended, on its own stack.</summary>
    /// <param name="task">The task.</param>
    void Leaving(GreenTask task)
    {
    }
}
