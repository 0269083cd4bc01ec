using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Row 47 where stacks are threads: the system's limits are those of a whole process, so it has one of its
/// own.</summary>
public class ThreadLimitTests
{
    [FactOn(Backends.Threads, Because = "Limits of stacks", OnLinux = true)]
    [FeatureRow(47)]
    public void When_the_system_gives_no_more_threads_the_target_stays_unstarted_and_usable()
    {
        InChild.Result child = InChild.Run(RunOutOfThreads);

        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.Equal("done", child.Output.Trim());
    }

    private static void RunOutOfThreads()
    {
        Greenlet main = Greenlet.Current;
        _ = new Greenlet(() => { }).Switch(); // everything is set up
        LimitAddressSpace(8L << 30);
        GreenletOptions huge = new() { StackSize = 1 << 30 };
        Stack<Greenlet> started = new();
        Greenlet last;
        GreenletException? failure = null;
        do
        {
            last = new Greenlet(value => main.Switch(value), huge);
            try
            {
                _ = last.Switch();
                started.Push(last);
            }
            catch (GreenletException exception)
            {
                failure = exception;
            }
        }
        while (failure is null && started.Count < 100);

        Check(failure is { Reason: GreenletError.OutOfStacks }, $"{failure} after {started.Count}");
        Check(failure!.Message.Contains("threads", StringComparison.Ordinal), "it says what has run out");
        Check(started.Count > 0, "some can be had");
        Check(last is { State: GreenletState.Unstarted, OwnerThreadId: 0 }, $"{last} can be started");
        Check(main.State == GreenletState.Running && Greenlet.Current == main, "main runs");
        started.Pop().Dispose();
        Check(TryUntil(() => Equals(last.Switch("now it starts"), "now it starts")), "it starts when there is room"); // a thread takes its time to end
        last.Dispose();
        foreach (Greenlet each in started)
        {
            each.Dispose();
        }

        Console.WriteLine("done");

        static bool TryUntil(Func<bool> attempt)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (true)
            {
                try
                {
                    return attempt();
                }
                catch (GreenletException exception) when (exception.Reason == GreenletError.OutOfStacks && watch.Elapsed < OnThread.Patience)
                {
                    Thread.Sleep(10);
                }
            }
        }
    }

    // By so much more than it has now.
    private static unsafe void LimitAddressSpace(long more)
    {
        const int AddressSpace = 9; // RLIMIT_AS
        using Process process = Process.GetCurrentProcess();
        ulong size = (ulong)(process.VirtualMemorySize64 + more);
        ulong* limits = stackalloc ulong[2] { size, size };
        Check(SetLimit(AddressSpace, limits) == 0, "the limit was accepted");
    }

    [DllImport("libc", EntryPoint = "setrlimit")]
    private static extern unsafe int SetLimit(int resource, ulong* limits);

    private static void Check(bool isSo, string what)
    {
        if (!isSo)
        {
            throw new InvalidOperationException($"not so: {what}");
        }
    }
}
