using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>Tells whether a run all of whose tasks wait without a time limit is deadlocked. In its hub's thread.</summary>
/// <remarks>
/// <para>Certain is what follows from the objects alone: a lock is given back only by its owner, a task that is joined ends
/// only by itself, and an object inside the library is used only by it. If all tasks wait for such things, and so for each
/// other, only a kill can end it.</para>
/// <para>Any thread may set an event, put something in a queue or release a semaphore. So a wait for one of those is a
/// deadlock only if nothing else in the process can run code at all.</para>
/// </remarks>
internal static class DeadlockJudge
{
    public static Waker Judge(RootTask run)
    {
        run.Loop.AssertIsHere();
        if (run.Loop.HasWork || run.Tasks.Any(task => task.HasTimeLimit || task.IsAside))
        {
            return Waker.Known;
        }

        Waker waker = run.Tasks.Max(task => Of(task.Waiter.WaitsFor, run));
        bool isWaitedFor = run.HasSignals || run.CanBeCanceled;
        return waker switch
        {
            Waker.Nobody => isWaitedFor ? Waker.Unknown : Waker.Nobody, // a signal or a token may still kill
            Waker.Unknown when isWaitedFor => Waker.Known,
            Waker.Unknown when Outside.IsEmpty(run.Loop) => Waker.Nobody,
            _ => waker,
        };
    }

    private static Waker Of(object? waitsFor, RootTask run) => waitsFor switch
    {
        GreenTask task => Of(task, run),
        GreenLock { Owner: { } owner } => Of(owner, run),
        WaitGroup several => several.Objects.Max(each => Of(each, run)),
        IShared shared => Of(shared.Room, run),
        _ => Waker.Unknown,
    };

    // All tasks of the run wait, so what one of them could do for another has no part in it.
    private static Waker Of(GreenTask task, RootTask run) =>
        task.Run == run || task.Run.HasEnded ? Waker.Nobody : Waker.Known;

    private static Waker Of(WaitRoom room, RootTask run) =>
        room.IsSharedBeyond(run) ? Waker.Known : room.IsInternal ? Waker.Nobody : Waker.Unknown;
}
