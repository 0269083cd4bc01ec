using System.Diagnostics;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Interop;

public class NativeEngineTests
{
    // Whatever the backend of this run: these are about the library that the choice leads to.
    private static readonly (string, string) s_noWish = (BackendSelection.Variable, string.Empty);

    [Fact]
    public void A_missing_library_is_an_exception_that_says_how_to_build_it()
    {
        InChild.Result child = InChild.Run(Report, s_noWish, (NativeEngine.PathVariable, "/nonexistent/nativegreenlet"));

        Assert.Equal(0, child.ExitCode);
        Assert.Contains($"{GreenletError.NativeLibraryMissing}, Unstarted:", child.Output, StringComparison.Ordinal);
        Assert.Contains("/nonexistent/nativegreenlet", child.Output, StringComparison.Ordinal);
        Assert.Contains("./build.sh", child.Output, StringComparison.Ordinal);
        Assert.Contains("./build.ps1", child.Output, StringComparison.Ordinal);
        Assert.Contains("CMake", child.Output, StringComparison.Ordinal);
        Assert.Contains("again: NativeLibraryMissing", child.Output, StringComparison.Ordinal);
        Assert.Contains("main is running", child.Output, StringComparison.Ordinal);
    }

    // Linux cannot load a managed assembly; Windows can.
    [Fact]
    public void A_file_that_is_no_native_library_is_refused()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "NativeGreenlet.Tests.runtimeconfig.json");
        Assert.True(File.Exists(path));

        Assert.Contains("which could not be loaded", Refusal(path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_managed_assembly_is_refused() => _ = Refusal(typeof(NativeEngineTests).Assembly.Location);

    [Fact]
    public void A_library_that_is_not_ours_is_refused()
    {
        string path = OperatingSystem.IsWindows() ? "kernel32.dll" : OperatingSystem.IsMacOS() ? "/usr/lib/libSystem.dylib" : Process.GetCurrentProcess()
            .Modules.Cast<ProcessModule>().First(module => Path.GetFileName(module.FileName) == "libcoreclr.so").FileName;

        Assert.Contains("is another library: it has no ng_abi_version", Refusal(path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_in_the_environment_is_used()
    {
        string path = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "libnativegreenlet.dll" : OperatingSystem.IsMacOS() ? "libnativegreenlet.dylib" : "libnativegreenlet.so");

        InChild.Result child = InChild.Run(Succeed, s_noWish, (NativeEngine.PathVariable, path));

        Assert.Equal("works", child.Output.Trim());
        Assert.Equal(0, child.ExitCode);
    }

    // Two copies would each have half of the state. The compiler binds some calls before the first of them is made.
    [Fact]
    public void A_library_named_in_the_environment_is_the_only_one_that_is_loaded()
    {
        string beside = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "libnativegreenlet.dll" : OperatingSystem.IsMacOS() ? "libnativegreenlet.dylib" : "libnativegreenlet.so");
        string elsewhere = Directory.CreateTempSubdirectory("nativegreenlet").FullName;
        try
        {
            string copy = Path.Combine(elsewhere, Path.GetFileName(beside));
            File.Copy(beside, copy);

            InChild.Result child = InChild.Run(ListLibraries, s_noWish, (NativeEngine.PathVariable, copy));

            Assert.Equal(copy, child.Output.Trim());
            Assert.Equal(0, child.ExitCode);
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Fact]
    public void Under_a_conservative_collector_segments_are_refused()
    {
        InChild.Result child = InChild.Run(Report, ("DOTNET_gcConservative", "1"), ("NATIVEGREENLET_BACKEND", "segments"));

        Assert.Equal(0, child.ExitCode);
        Assert.Contains($"{GreenletError.NotSupported}, Unstarted:", child.Output, StringComparison.Ordinal);
        Assert.Contains("DOTNET_gcConservative", child.Output, StringComparison.Ordinal);
        Assert.Contains("again: NotSupported", child.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Under_a_precise_collector_slices_are_refused()
    {
        InChild.Result child = InChild.Run(Report, ("DOTNET_gcConservative", "0"), ("NATIVEGREENLET_BACKEND", "slices"));

        Assert.Equal(0, child.ExitCode);
        Assert.Contains($"{GreenletError.NotSupported}, Unstarted:", child.Output, StringComparison.Ordinal);
        Assert.Contains("Set DOTNET_gcConservative=1 in the environment before the process starts", child.Output, StringComparison.Ordinal);
        Assert.Contains("again: NotSupported", child.Output, StringComparison.Ordinal);
    }

    // What the program does to its own environment changes neither the collector nor the choice.
    [Fact]
    public void Setting_or_clearing_the_variable_too_late_makes_no_difference()
    {
        InChild.Result late = InChild.Run(SetAndDescribe, ("DOTNET_gcConservative", "0"), ("NATIVEGREENLET_BACKEND", string.Empty));
        InChild.Result cleared = InChild.Run(ClearAndDescribe, ("DOTNET_gcConservative", "1"), ("NATIVEGREENLET_BACKEND", string.Empty));

        Assert.Contains($"{GreenletBackend.Segments}:", late.Output, StringComparison.Ordinal);
        Assert.Contains($"{(OperatingSystem.IsWindows() ? GreenletBackend.Threads : GreenletBackend.Slices)}:", cleared.Output, StringComparison.Ordinal);
        Assert.All([late, cleared], child => Assert.EndsWith("works", child.Output.Trim(), StringComparison.Ordinal));
    }

    // Windows has one environment only, so there it is the collector that says what the process was started with.
    [Theory]
    [InlineData("1", "True")]
    [InlineData("0", "False")]
    public void The_collector_says_what_it_is(string conservative, string answer)
    {
        InChild.Result child = InChild.Run(AskCollector, ("DOTNET_gcConservative", conservative));

        Assert.Equal(answer, child.Output.Trim());
        Assert.Equal(0, child.ExitCode);
    }

    [Fact]
    public void Under_a_conservative_collector_segments_are_not_chosen()
    {
        InChild.Result child = InChild.Run(Describe, ("DOTNET_gcConservative", "1"), ("NATIVEGREENLET_BACKEND", string.Empty));

        Assert.Equal(0, child.ExitCode);
        Assert.Contains($"{(OperatingSystem.IsWindows() ? GreenletBackend.Threads : GreenletBackend.Slices)}:", child.Output, StringComparison.Ordinal);
        Assert.Contains("conservative", child.Output, StringComparison.Ordinal);
        Assert.EndsWith("works", child.Output.Trim(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_backend_that_does_not_exist_is_refused()
    {
        InChild.Result child = InChild.Run(Report, ("NATIVEGREENLET_BACKEND", "nonsense"));

        Assert.Equal(0, child.ExitCode);
        Assert.Contains($"{GreenletError.NotSupported}, Unstarted:", child.Output, StringComparison.Ordinal);
        Assert.Contains("'nonsense'", child.Output, StringComparison.Ordinal);
        Assert.Contains("segments", child.Output, StringComparison.Ordinal);
    }

    private static string Refusal(string path)
    {
        InChild.Result child = InChild.Run(Report, s_noWish, (NativeEngine.PathVariable, path));

        Assert.Equal(0, child.ExitCode);
        Assert.Contains($"{GreenletError.NativeLibraryMissing}, Unstarted:", child.Output, StringComparison.Ordinal);
        Assert.Contains(path, child.Output, StringComparison.Ordinal);
        Assert.Contains("./build.sh", child.Output, StringComparison.Ordinal);
        Assert.Contains("again: NativeLibraryMissing", child.Output, StringComparison.Ordinal);
        return child.Output;
    }

    private static void SetAndDescribe()
    {
        Environment.SetEnvironmentVariable("DOTNET_gcConservative", "1");
        Describe();
    }

    private static void ClearAndDescribe()
    {
        Environment.SetEnvironmentVariable("DOTNET_gcConservative", null);
        Describe();
    }

    private static void Report()
    {
        Greenlet greenlet = new(() => { });
        try
        {
            _ = greenlet.Switch();
        }
        catch (GreenletException exception)
        {
            Console.WriteLine($"{exception.Reason}, {greenlet.State}: {exception.Message}");
        }

        try
        {
            _ = greenlet.Switch();
        }
        catch (GreenletException exception)
        {
            Console.WriteLine($"again: {exception.Reason}");
        }

        Console.WriteLine(Greenlet.Current is { IsMain: true, State: GreenletState.Running } ? "main is running" : "main is lost");
    }

    private static void Describe()
    {
        Console.WriteLine(GreenletRuntime.Description);
        Succeed();
    }

    private static void AskCollector() => Console.WriteLine(CollectorKind.IsConfigured());

    private static void ListLibraries()
    {
        _ = new Greenlet(() => { }).Switch();
        foreach (ProcessModule module in Process.GetCurrentProcess().Modules)
        {
            if (Path.GetFileName(module.FileName) is "libnativegreenlet.so" or "libnativegreenlet.dylib" or "libnativegreenlet.dll")
            {
                Console.WriteLine(module.FileName);
            }
        }
    }

    private static void Succeed() => Console.WriteLine(new Greenlet(() => "works").Switch());
}
