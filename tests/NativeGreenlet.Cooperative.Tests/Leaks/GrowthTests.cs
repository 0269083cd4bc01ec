using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>What looks for growth finds each kind of it.</summary>
public class GrowthTests
{
    [Fact]
    public unsafe void Memory_of_the_system_that_is_lost_is_found()
    {
        List<nint> lost = [];
        string? found = null;
        InHub.Run(() => found = Growth.TryFind(new Operation("Lose", Lose), 2_000));
        lost.ForEach(each => NativeMemory.Free((void*)each));
        Assert.Equal(OperatingSystem.IsLinux(), found?.Contains("not the collector's", StringComparison.Ordinal) ?? false); // looked for there

        void Lose()
        {
            const int Bytes = 30_000;
            nint room = (nint)NativeMemory.Alloc(Bytes);
            NativeMemory.Fill((void*)room, Bytes, 1);
            lost.Add(room);
        }
    }

    [Fact]
    public void Objects_that_are_kept_are_found()
    {
        List<object> kept = [];
        string? found = null;
        InHub.Run(() => found = Growth.TryFind(new Operation("Keep", () => kept.Add(new byte[2_000])), 2_000)); // more than what other threads may let go of meanwhile
        Assert.Contains("bytes in 2000 rounds", found, StringComparison.Ordinal);
        GC.KeepAlive(kept);
    }

    [Fact]
    public void Descriptors_that_stay_open_are_found()
    {
        List<FileStream> open = [];
        string file = typeof(GrowthTests).Assembly.Location;
        string? found = null;
        InHub.Run(() => found = Growth.TryFind(new Operation("Open", () => open.Add(File.OpenRead(file))), 100));
        open.ForEach(each => each.Dispose());
        Assert.Equal(OperatingSystem.IsLinux(), found?.Contains("descriptors at most", StringComparison.Ordinal) ?? false); // looked for there
    }
}
