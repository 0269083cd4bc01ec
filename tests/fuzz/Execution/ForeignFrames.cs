using System.Runtime.CompilerServices;
using NativeGreenlet.Fuzz.Fibers;
using NativeGreenlet.TailCalls;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Frames for which the runtime, or the C++ runtime, keeps something with the thread: explicit tail calls of F#, C++
/// handlers, code that the class loader and waits call back. Some of them must not be left; the control refuses that, too.
/// </summary>
internal static class ForeignFrames
{
    private static readonly ResolverKind[] s_insideTypeLoad = [.. Enum.GetValues<ResolverKind>().Where(FreshTypes.IsInsideTypeLoad)];
    private static readonly ResolverKind[] s_forManagedCode = [.. Enum.GetValues<ResolverKind>().Where(kind => !FreshTypes.IsInsideTypeLoad(kind))];

    /// <summary>Whether <see cref="Monitor.Wait(object)"/> is native code, which must not be left.</summary>
    private static bool IsWaitNative => Environment.Version.Major < 11;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void TailCall(Step step)
    {
        int s = step.Stamp;
        int calls = 0;
        Func<bool> more = () =>
        {
            bool result = step.PlayNext();
            calls += result ? 1 : 0;
            return result;
        };
        switch (step.Operation.Number % 3)
        {
            case 0:
                Check.That(Walks.Numbers(more, s) == s * 1000L + calls);
                break;

            case 1:
                Cell held = Sample.MakeCell(s);
                Check.That(Walks.Texts(more, Sample.MakeText(s), held) == Sample.MakeText(s) + new string('!', calls));
                Sample.Verify(held, s);
                break;

            default:
                string text = Sample.MakeText(s);
                Baggage baggage = Walks.Structures(more, new Baggage(s, text, s * 0.5, s + 3L, s + 4L));
                Check.That(baggage.Equals(new Baggage(s + calls, text, s * 0.5, s + 3L, s + 4L)));
                break;
        }
    }

    // Where there was no C++ compiler, what is inside is played without: the events are the same.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void CxxCatch(Step step)
    {
        Shield shield = new(step);
        Cell held = Sample.MakeCell(step.Stamp);
        if (CxxFrames.Missing is null)
        {
            CxxFrames.Play(step.Operation.Number, step.Stamp, () =>
            {
                _ = shield.PlayNext();
                Sample.Verify(held, step.Stamp);
            });
        }

        while (shield.PlayNext())
        {
        }

        Sample.Verify(held, step.Stamp);
        shield.Raise();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void TypeLoad(Step step) => Load(step, s_insideTypeLoad);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Resolver(Step step) => Load(step, s_forManagedCode);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void MonitorWait(Step step)
    {
        Shield shield = new(step);
        Cell monitor = Sample.MakeCell(step.Stamp);
        bool isPulsed = (step.Operation.Number & 1) != 0;
        WaitContext context = new(() =>
        {
            Play(step, shield, IsWaitNative);
            if (isPulsed)
            {
                lock (monitor)
                {
                    Monitor.Pulse(monitor);
                }
            }
        });
        SynchronizationContext.SetSynchronizationContext(context);
        bool result;
        try
        {
            lock (monitor)
            {
                result = Monitor.Wait(monitor, 0);
                Check.That(Monitor.IsEntered(monitor));
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }

        Check.That(context.Calls == 1 && result == isPulsed && !Monitor.IsEntered(monitor));
        Sample.Verify(monitor, step.Stamp);
        shield.Raise();
    }

    private static void Load(Step step, ResolverKind[] kinds)
    {
        Shield shield = new(step);
        ResolverKind kind = kinds[step.Operation.Number % kinds.Length];
        FreshTypes.Load(kind, step.Stamp, () => Play(step, shield, FreshTypes.IsPinned(kind)));
        shield.Raise();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Play(Step step, Shield shield, bool isPinned)
    {
        Fiber self = step.Player.Self;
        Holdings holdings = new(step.Stamp, stackalloc int[3]);
        self.Pins += isPinned ? 1 : 0;
        while (shield.PlayNext())
        {
            holdings.Verify();
        }

        self.Pins -= isPinned ? 1 : 0;
        holdings.Verify();
    }

    /// <summary>One that is asked to wait.</summary>
    private sealed class WaitContext : SynchronizationContext
    {
        private readonly Action _inside;

        public WaitContext(Action inside)
        {
            _inside = inside;
            SetWaitNotificationRequired();
        }

        public int Calls { get; private set; }

        public override SynchronizationContext CreateCopy() => this;

        public override int Wait(nint[] waitHandles, bool waitAll, int millisecondsTimeout)
        {
            SetSynchronizationContext(null); // the thread's: the others shall not have it
            try
            {
                Calls++;
                _inside();
                return WaitHelper(waitHandles, waitAll, millisecondsTimeout);
            }
            finally
            {
                SetSynchronizationContext(this);
            }
        }
    }
}
