namespace NativeGreenlet.Tests.Lifecycle;

/// <summary>What a thread that has run greenlets leaves when it ends.</summary>
public class EndedThreadTests
{
    private const int Threads = 100;

    // A record that is a thread of the system takes 100 us to make.
    [Fact]
    public void The_next_thread_takes_its_record()
    {
        RunGreenletOnThread();
        long before = GreenletDiagnostics.ThreadRecords;
        for (int i = 0; i < Threads; i++)
        {
            RunGreenletOnThread();
        }

        Assert.InRange(GreenletDiagnostics.ThreadRecords, before, before + (Threads / 10)); // some threads end a moment after Join
    }

    private static void RunGreenletOnThread()
    {
        Thread thread = new(() => new Greenlet(() => { }).Switch());
        thread.Start();
        thread.Join();
    }
}
