using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>
/// The system, or a region, has no more stacks: of segments, of address space, of memory, of memory mappings. The greenlet
/// that was to start is told which limit it was and is as it was; those that are suspended are intact; once there is room
/// the same greenlet starts.
/// </summary>
[Collection(Survival.OneAtATime.Name)]
public class StackExhaustionTests
{
    private const int Largest = 1 << 30; // a region has 128 GiB of address space, and so 64 stacks of this size; 1 TiB where greenlets are frozen

    [Fact]
    public void All_stacks_of_a_size_in_use() => FaultProcess.SurvivesOnSegments(UseAllSegments);

    [LinuxFact]
    public void Little_address_space_from_the_start()
    {
        InChild.Result child = InChild.RunUnder(
            "ulimit -v 4000000",
            UseAllAddressSpace,
            ("NATIVEGREENLET_BACKEND", "segments"),
            ("DOTNET_GCHeapHardLimit", "0x4000000"));

        Assert.True(child.ExitCode == 0 && child.Output.TrimEnd().EndsWith("done", StringComparison.Ordinal), FaultProcess.Describe(child));
    }

    [LinuxFact]
    public void No_address_space_for_a_region_at_all() => FaultProcess.SurvivesOnSegments(ReserveWithoutAddressSpace);

    [LinuxFact]
    public void No_more_memory_for_stacks() => FaultProcess.SurvivesOnSegments(UseAllData);

    // Where no mapping is left, the runtime itself cannot do without one at times, and ends the process. That says nothing of
    // ours, so then it is tried again.
    [LinuxFact]
    public void No_more_mappings_for_guards()
    {
        InChild.Result child = null!;
        for (int attempt = 0; attempt < 5 && child is not { ExitCode: 0 }; attempt++)
        {
            child = InChild.Run(
                UseAllMappings,
                ("NATIVEGREENLET_BACKEND", "segments"),
                (NativeEngine.PathVariable, BreakableLibrary.Path),
                (BreakableLibrary.FaultVariable, "markers"),
                ("DOTNET_EnableWriteXorExecute", "0"), // or the compiler needs mappings, too
                ("DOTNET_TieredCompilation", "0"), // no compilation behind our back
                ("NATIVEGREENLET_FREEZE", "off"), // whose check compiles on a thread of its own
                ("MALLOC_TOP_PAD_", "67108864")); // nor a request of malloc's
            bool isEndOfRuntime = child.ExitCode == 134 && child.Error.Trim() == "Out of memory.";
            Assert.True(child.ExitCode == 0 || isEndOfRuntime, FaultProcess.Describe(child));
        }

        Assert.True(child.ExitCode == 0 && child.Output.TrimEnd().EndsWith("done", StringComparison.Ordinal), FaultProcess.Describe(child));
    }

    private static void UseAllSegments() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        int most = GreenletRuntime.Freezing == GreenletFreezing.Off ? 64 : 512; // where the collector does not walk them there may be more
        List<Greenlet> parked = ParkUntilRefused($"all {most} stacks of 2097152 KiB are in use. End some", out Greenlet refused, Largest);
        Check.That(parked.Count == most);
        bystanders.Verify(); // other sizes have regions of their own
        for (int i = 0; i < 1_000; i++)
        {
            FaultProcess.Refused("GreenletOptions.StackSize", () => refused.Switch("lost"));
        }

        GoOn(parked, refused);
        bystanders.VerifyAndEnd();
    });

    private static void UseAllAddressSpace() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        List<Greenlet> parked = ParkUntilRefused("ulimit -v", out Greenlet refused);
        Check.That(parked.Count is > 200 and < 4_000);
        bystanders.VerifySuspended();
        GoOn(parked, refused);
        bystanders.VerifyAndEnd();
    });

    private static void ReserveWithoutAddressSpace() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet refused = Echo(Environment.CurrentManagedThreadId == 1 ? 128 << 20 : 256 << 20); // sizes without a region yet
        using (Libc.Limit(Libc.AddressSpace, Libc.Status("VmSize") + (64 << 20)))
        {
            FaultProcess.Refused("ulimit -v", () => refused.Switch("lost"));
            Check.That(refused.State == GreenletState.Unstarted);
            bystanders.Verify();
        }

        Check.That(Equals(refused.Switch("value"), "value"));
        bystanders.VerifyAndEnd();
    });

    private static void UseAllData() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        List<Greenlet> parked;
        Greenlet refused;
        using (Libc.Limit(Libc.Data, Libc.Status("VmData") + (200 << 20)))
        {
            parked = ParkUntilRefused("ulimit -d", out refused);
        }

        Check.That(parked.Count > 100);
        bystanders.Verify();
        GoOn(parked, refused);
        bystanders.VerifyAndEnd();
    });

    private static void UseAllMappings() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        List<Greenlet> parked = ParkUntilRefused("GreenletOptions", out Greenlet refused, Largest); // compiles all that is needed
        GoOn(parked, refused);
        Check.That(GC.TryStartNoGCRegion(16 << 20)); // or the collector needs mappings, too, for more heap
        GC.WaitForPendingFinalizers(); // which are compiled when they run
        AwaitDiagnostics();
        using (Libc.ExhaustMappings(left: 500))
        {
            parked = ParkUntilRefused("vm.max_map_count", out refused);
        }

        GC.EndNoGCRegion();

        Check.That(parked.Count > 100);
        bystanders.Verify();
        GoOn(parked, refused);
        bystanders.VerifyAndEnd();
    });

    // The thread that publishes the meter loads assemblies, for which the runtime needs mappings.
    private static void AwaitDiagnostics()
    {
        static bool IsThere() => Directory.GetDirectories("/proc/self/task").Any(task =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(task, "comm")).StartsWith("NativeGreenlet", StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false; // it has ended
            }
        });

        Check.That(SpinWait.SpinUntil(() => !IsThere(), TimeSpan.FromMinutes(1)));
    }

    private static List<Greenlet> ParkUntilRefused(string limit, out Greenlet refused, int stackSize = 0)
    {
        List<Greenlet> parked = new(100_000);
        while (true)
        {
            refused = Echo(stackSize);
            try
            {
                Check.That(Equals(refused.Switch(parked.Count), parked.Count));
                parked.Add(refused);
            }
            catch (GreenletException exception)
            {
                Check.That(exception.Reason == GreenletError.OutOfStacks);
                Check.That(refused.State == GreenletState.Unstarted && refused.OwnerThreadId == 0);
                Check.That(exception.Message.Contains(limit, StringComparison.Ordinal), exception.Message);
                return parked;
            }
        }
    }

    // There is room again: what was refused starts, and nothing of the others was lost.
    private static void GoOn(List<Greenlet> parked, Greenlet refused)
    {
        parked[^1].Dispose();
        parked.RemoveAt(parked.Count - 1);
        Check.That(Equals(refused.Switch("value"), "value"));
        for (int i = 0; i < parked.Count; i++)
        {
            Check.That(Equals(parked[i].Switch(i), i));
            parked[i].Dispose();
        }

        Check.That(Equals(refused.Switch("again"), "again"));
        refused.Dispose();
    }

    private static Greenlet Echo(int stackSize) => new(
        value =>
        {
            while (true)
            {
                value = Greenlet.Current.Parent!.Switch(value);
            }
        },
        new GreenletOptions { StackSize = stackSize });
}
