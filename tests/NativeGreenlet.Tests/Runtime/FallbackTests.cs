using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>Whole processes whose runtime or native library is not as it should be: greenlets work on threads, or an
/// exception says what to do.</summary>
public class FallbackTests
{
    private const string UnknownRuntime = "Threads: this runtime is not one that we know: ";

    private static readonly (string, string) s_noWish = (BackendSelection.Variable, string.Empty);
    private static readonly (string, string) s_threads = (BackendSelection.Variable, "threads");
    private static readonly (string, string) s_segments = (BackendSelection.Variable, "segments");
    private static readonly (string, string) s_noLibrary = (NativeEngine.PathVariable, "/nonexistent/nativegreenlet");

    private static (string, string)[] OtherVersionOfLibrary =>
        [(NativeEngine.PathVariable, BreakableLibrary.Path), (BreakableLibrary.FaultVariable, "version")];

    [Fact]
    public void Another_version_of_a_contract() => Works(
        InChild.Run(WithOtherVersion, s_noWish),
        UnknownRuntime + $"it has version {RunningRuntime.Version(2)} of the contract 'Thread'; we know version {RunningRuntime.Version(1)}");

    [Fact]
    public void A_field_is_missing() => Works(
        InChild.Run(WithoutField, s_noWish),
        UnknownRuntime + "its descriptor has no 'Thread.Frame'");

    [Fact]
    public void The_calibration_does_not_fit() => Works(
        InChild.Run(WithWrongOffset, s_noWish),
        UnknownRuntime + "a thread's state is not noted where its descriptor says");

    [Fact]
    public void The_runtime_is_Mono() => Works(InChild.Run(OnMono, s_noWish), UnknownRuntime + "it is Mono, not CoreCLR");

    [Fact]
    public void There_is_no_native_library_for_the_platform() => Works(
        InChild.Run(OnUnknownPlatform, s_noWish, s_noLibrary),
        "Threads: there is no native library for this platform");

    // Where the library can be built its absence is a mistake, and a backend a hundred times slower would hide it.
    [Fact]
    public void The_native_library_is_missing()
    {
        Fails(InChild.Run(Unchanged, s_noWish, s_noLibrary), GreenletError.NativeLibraryMissing, "could not be loaded", "./build.sh", "NATIVEGREENLET_BACKEND=threads");
        Works(InChild.Run(Unchanged, s_threads, s_noLibrary), "Threads: NATIVEGREENLET_BACKEND asks for it");
    }

    [Fact]
    public void The_native_library_has_another_version()
    {
        Fails(
            InChild.Run(Unchanged, [s_noWish, .. OtherVersionOfLibrary]),
            GreenletError.NativeLibraryMissing,
            $"The native library has interface version {NativeMethods.NG_ABI_VERSION + 1}; this assembly needs {NativeMethods.NG_ABI_VERSION}.",
            "./build.sh",
            "NATIVEGREENLET_BACKEND=threads");
        Works(InChild.Run(Unchanged, [s_threads, .. OtherVersionOfLibrary]), "Threads: NATIVEGREENLET_BACKEND asks for it");
    }

    [Fact]
    public void Who_insists_on_segments_is_refused()
    {
        Fails(InChild.Run(WithOtherVersion, s_segments), GreenletError.NotSupported, $"it has version {RunningRuntime.Version(2)} of the contract 'Thread'", "NATIVEGREENLET_BACKEND=threads");
        Fails(InChild.Run(OnUnknownPlatform, s_segments, s_noLibrary), GreenletError.NotSupported, "no native library for this platform", "NATIVEGREENLET_BACKEND=threads");
        Fails(InChild.Run(Unchanged, s_segments, s_noLibrary), GreenletError.NativeLibraryMissing, "could not be loaded", "./build.sh");
    }

    private static void Works(InChild.Result child, string description)
    {
        string[] lines = child.Output.ReplaceLineEndings("\n").Split('\n');
        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.StartsWith(description, lines[0], StringComparison.Ordinal);
        Assert.StartsWith("ok: ", lines[1], StringComparison.Ordinal);
        Assert.Equal("first, second, third, caught, end; on 2 threads", lines[2]);
    }

    private static void Fails(InChild.Result child, GreenletError reason, params string[] parts)
    {
        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.StartsWith($"{reason}: ", child.Output, StringComparison.Ordinal);
        Assert.All(parts, part => Assert.Contains(part, child.Output, StringComparison.Ordinal));
    }

    private static void WithOtherVersion() => Use(Doctored.WithContract("Thread", 2));

    private static void WithoutField() => Use(Doctored.Without("types", "Thread", "Frame"));

    private static void WithWrongOffset() => Use(Doctored.WithField("Thread", "State", 8));

    private static void OnMono() => Use(new Doctored { HasDescriptor = false, IsForMono = true });

    private static void OnUnknownPlatform() => Use(new Doctored { IsForKnownPlatform = false });

    private static void Unchanged() => Use(new Surroundings());

    private static void Use(Surroundings surroundings)
    {
        BackendSelection.Pretend(surroundings);
        try
        {
            Console.Write(GreenletRuntime.SelfTest()); // its first line is the description
        }
        catch (GreenletException exception)
        {
            Console.WriteLine($"{exception.Reason}: {exception.Message}");
            return;
        }

        Greenlet main = Greenlet.Current;
        HashSet<int> threads = [Environment.CurrentManagedThreadId];
        List<object?> log = [];
        Greenlet greenlet = new(value =>
        {
            _ = threads.Add(Environment.CurrentManagedThreadId);
            log.Add(value);
            log.Add(main.Switch("second"));
            try
            {
                _ = main.Switch("second");
            }
            catch (InvalidTimeZoneException)
            {
                log.Add("caught");
            }

            return "end";
        });
        log.Insert(0, "first");
        _ = greenlet.Switch("second");
        _ = greenlet.Switch("third");
        log.Add(greenlet.Throw(new InvalidTimeZoneException()));
        Console.WriteLine($"{string.Join(", ", log)}; on {threads.Count} threads");
    }
}
