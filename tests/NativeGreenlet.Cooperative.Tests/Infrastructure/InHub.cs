using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.ExceptionServices;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>Runs the body of a test in a hub on a thread of its own, and fails if it hangs.</summary>
internal static class InHub
{
    /// <summary>When a test is taken to hang: far more than any needs on a busy machine. An emulator needs more (tests/platforms).</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("NATIVEGREENLET_TEST_PATIENCE"), CultureInfo.InvariantCulture, out int seconds) ? seconds : 180);

    /// <summary>What no test should need more than.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(120);

    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    public static void Run(Action body, HubOptions? options = null) => OnThread(() => Hub.Run(body, options));

    /// <summary>Runs the body in a hub whose time stands still until the body moves it: nothing is due before the body says so, however
    /// slow the machine is.</summary>
    public static void RunInStillTime(Action<GreenTestTime> body)
    {
        GreenTestTime time = new() { AutoAdvance = false };
        Run(() => body(time), new HubOptions { TimeProvider = time });
    }

    /// <summary>Runs the body in a hub whose time moves only while every task waits: what is due at the same moment on a slow machine comes
    /// in its order, and nothing is due before all that can run has run.</summary>
    public static void RunInTestTime(Action body) => Run(body, new HubOptions { TimeProvider = new GreenTestTime() });

    /// <summary>Waits by the time of the system, whatever that of the hub is, until something holds.</summary>
    public static void Until(Func<bool> condition)
    {
        while (!condition())
        {
            Hub.Await(Task.Delay(1));
        }
    }

    /// <summary>Moves a time that stands still, and lets the hub look at its timers: what is due then has woken its waiters when this
    /// returns.</summary>
    public static void Elapse(GreenTestTime time, TimeSpan span)
    {
        time.Advance(span);
        Hub.Yield(); // the timers are looked at in the next turn, before its tasks run
        Hub.Yield(); // and who was woken has run
    }

    public static void OnThread(Action body) => OnThread(body, Patience);

    public static void OnThread(Action body, TimeSpan patience)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                body();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
        if (!thread.Join(patience))
        {
            using StringWriter writer = new();
            GreenletDiagnostics.Dump(writer);
            throw new TimeoutException($"The test still ran after {patience}.\n{writer}");
        }

        failure?.Throw();
    }

    /// <summary>Listens to the unhandled exceptions of the current hub.</summary>
    public static ConcurrentQueue<Exception> Unhandled()
    {
        ConcurrentQueue<Exception> heard = new();
        Hub.Current.UnhandledException += (_, e) => heard.Enqueue(e.Exception);
        return heard;
    }
}
