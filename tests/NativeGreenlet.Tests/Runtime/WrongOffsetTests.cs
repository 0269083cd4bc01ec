using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>Of every offset that is read from the descriptor, every other value must be noticed: in a process of its own,
/// because a check that is missing reads what is not there.</summary>
public class WrongOffsetTests
{
    private const int ThreadBytes = 1024;
    private const int FrameBytes = 64;
    private const int EntryBytes = 256;
    private const int LookedStack = 512 * 1024;
    private const int ProtectionNone = 0;
    private const int ProtectionReadWrite = 3;

    [Fact]
    public void Of_every_offset_every_other_value_is_noticed()
    {
        InChild.Result child = InChild.Run(TryAll);

        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.True(child.Output.Trim() == "unnoticed:", child.Output);
    }

    // The checks compare what another thread's collection may move, stop or have allocated.
    [Fact]
    public void The_right_ones_are_never_refused()
    {
        InChild.Result child = InChild.Run(Repeat);

        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.Equal("done", child.Output.Trim());
    }

    // A word of the Thread object may be any address in the stack, its low end among them. There the system has put no memory
    // yet (Windows), so that reading it ends the process.
    [Fact]
    public void Nothing_is_read_below_the_frames_that_are_in_use()
    {
        InChild.Result child = InChild.Run(LeadBelow);

        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.Equal("frames: noticed, exceptions: noticed", child.Output.Trim());
    }

    private static void LeadBelow()
    {
        _ = NativeEngine.Handle;
        Thread thread = new(LookBelow, LookedStack);
        thread.Start();
        thread.Join();
    }

    private static unsafe void LookBelow()
    {
        void* low;
        void* high;
        Assert.Equal(ng_status.OK, NativeMethods.ng_thread_stack(&low, &high));
        nuint page = (nuint)Environment.SystemPageSize;
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(0, Protect(low, page, ProtectionNone));
        }

        ulong end = (ulong)high;
        ulong start = (ulong)low;
        ulong word = start + page / 2;
        nint thread = (nint)(&word); // an object of this word alone
        ContractDescriptor descriptor = new Surroundings().ReadDescriptor();
        RuntimeLayout.Description described = RuntimeLayout.Describe(descriptor, RuntimeEdition.Of(descriptor));
        ng_clr_layout layout = described.Layout;
        layout.thread_frame = 0;
        string frames = Verdict(() => OwnFrame.Check(thread, layout, described.ReturnAddress, start, end));
        string exceptions = Verdict(() => ExceptionsInFlight.Check(thread, 0, described.Thrown, end));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(0, Protect(low, page, ProtectionReadWrite));
        }

        Console.WriteLine($"frames: {frames}, exceptions: {exceptions}");
    }

    private static string Verdict(Action check)
    {
        try
        {
            check();
            return "unnoticed";
        }
        catch (UnsupportedRuntimeException)
        {
            return "noticed";
        }
    }

    [DllImport("libc", EntryPoint = "mprotect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern unsafe int Protect(void* address, nuint length, int protection);

    private static void Repeat()
    {
        _ = NativeEngine.Handle;
        ContractDescriptor descriptor = new Surroundings().ReadDescriptor();
        GCHandle[] handles = [.. Enumerable.Range(0, 100_000).Select(i => GCHandle.Alloc(new object()))];
        for (int i = 0; i < handles.Length; i += 3)
        {
            handles[i].Free();
        }

        bool isOver = false;
        Thread collector = new(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                GC.Collect(0);
                handles[1].Free();
                handles[1] = GCHandle.Alloc(new object());
            }
        });
        collector.Start();
        for (int i = 0; i < 100; i++)
        {
            _ = RuntimeLayout.Discover(descriptor);
        }

        Volatile.Write(ref isOver, true);
        collector.Join();
        Console.WriteLine("done");
    }

    private static void TryAll()
    {
        _ = NativeEngine.Handle;
        List<string> unnoticed = [];
        Try("Thread", "State", ThreadBytes, sizeof(uint));
        Try("Thread", "PreemptiveGCDisabled", ThreadBytes, sizeof(uint));
        Try("Thread", "Frame", ThreadBytes, sizeof(ulong));
        Try("Thread", "ExceptionTracker", ThreadBytes, sizeof(ulong));
        Try("Thread", "OSId", ThreadBytes, sizeof(ulong));
        Try("Frame", "Next", FrameBytes, sizeof(ulong));
        Try("InlinedCallFrame", "CallerReturnAddress", FrameBytes, sizeof(ulong));
        Try("ExceptionInfo", "ThrownObject", EntryBytes, sizeof(ulong));
        Try("ExceptionInfo", "PreviousNestedInfo", EntryBytes, sizeof(ulong));
        if (new Surroundings().ReadDescriptor().Has("Thread", "GCFrame"))
        {
            Try("Thread", "GCFrame", ThreadBytes, sizeof(ulong));
            Try("Thread", "CachedStackBase", ThreadBytes, sizeof(ulong));
            Try("Thread", "CachedStackLimit", ThreadBytes, sizeof(ulong));
            Try("GCFrame", "Next", FrameBytes, sizeof(ulong));
        }

        Console.WriteLine($"unnoticed:{string.Concat(unnoticed)}");

        void Try(string type, string field, int bytes, int step)
        {
            uint real = new Surroundings().ReadDescriptor().Offset(type, field);
            for (int offset = 0; offset < bytes; offset += step)
            {
                if (offset != real && !IsNoticed(Doctored.WithField(type, field, offset)))
                {
                    unnoticed.Add($" {type}.{field}={offset}");
                }
            }
        }
    }

    private static bool IsNoticed(Doctored doctored)
    {
        try
        {
            _ = RuntimeLayout.Discover(doctored.ReadDescriptor());
            return false;
        }
        catch (UnsupportedRuntimeException)
        {
            return true;
        }
    }
}
