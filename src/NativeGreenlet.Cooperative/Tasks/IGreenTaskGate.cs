namespace NativeGreenlet.Cooperative;

/// <summary>Decides when a task that can go on may do so: for engines that let one thing run at a time of what shares something, an
/// actor, a document. It is an observer, too: see <see cref="GreenTask.Observer"/>.</summary>
/// <remarks>Asked in the hub's thread, between tasks; it must not wait. A task that may not go on is put aside, and holds up nobody. It is
/// asked about again when <see cref="GreenTask.AskGate"/> is called, from any thread; also when the task is killed meanwhile, for its
/// <c>finally</c> blocks run when it goes on. Whoever lets it go on is told so by <see cref="IGreenTaskObserver.GoingOn"/> next, and by
/// <see cref="IGreenTaskObserver.Parked"/> afterwards. A task that has ended while it was aside, because it had not started and was killed, is
/// not asked about. An exception goes to <see cref="Hub.UnhandledException"/>; the task goes on then.</remarks>
/// <example><code>
/// Hub.Run(() =>
/// {
///     GreenTask task = Hub.Spawn(() => Console.WriteLine("the gate is open"));
///     Door door = new();
///     task.Observer = door;
///     Hub.Sleep(TimeSpan.FromSeconds(1));
///     door.Open(task);
///     task.Join();
/// });
///
/// sealed class Door : IGreenTaskGate
/// {
///     private volatile bool _isOpen;
///
///     public void Open(GreenTask task)
///     {
///         _isOpen = true;
///         task.AskGate(); // from any thread
///     }
///
///     public bool MayGoOn(GreenTask task) => _isOpen;
///
///     public void GoingOn(GreenTask task) => Console.WriteLine("goes on");
///
///     public void Parked(GreenTask task) => Console.WriteLine("parked");
/// }
/// </code></example>
public interface IGreenTaskGate : IGreenTaskObserver
{
    /// <summary>Tells whether a task that can go on may do so now.</summary>
    /// <param name="task">The task.</param>
    /// <returns>Whether it may; if not, it is put aside until <see cref="GreenTask.AskGate"/> is called.</returns>
    bool MayGoOn(GreenTask task);
}
