using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Lifecycle;

/// <summary>What a thread that has run greenlets leaves when it ends.</summary>
public class EndedThreadTests
{
    private const int Threads = 100;

    // A record that is a thread of the system takes 100 us to make. In a process of its own: all threads of a process share the records.
    [Fact]
    public void The_next_thread_takes_its_record()
    {
        InChild.Result child = InChild.Run(RunThreads);

        Assert.True(child.ExitCode == 0, child.Error);
        Assert.InRange(int.Parse(child.Output, null), 0, Threads / 10); // some threads end a moment after Join
    }

    private static void RunThreads()
    {
        RunGreenletOnThread();
        long before = GreenletDiagnostics.ThreadRecords;
        for (int i = 0; i < Threads; i++)
        {
            RunGreenletOnThread();
        }

        Console.WriteLine(GreenletDiagnostics.ThreadRecords - before);
    }

    private static void RunGreenletOnThread()
    {
        Thread thread = new(() => new Greenlet(() => { }).Switch());
        thread.Start();
        thread.Join();
    }
}
