using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Slices;

/// <summary>Where the native library has no slices, that is said.</summary>
public class NoSlicesTests
{
    private const string Reason = "the native library has no slices for this platform";

    [WindowsFact]
    public void Who_asks_for_them_is_told()
    {
        InChild.Result child = InChild.Run(Describe, ("NATIVEGREENLET_BACKEND", "slices"), ("DOTNET_gcConservative", "1"));

        Assert.StartsWith("NotSupported: NATIVEGREENLET_BACKEND asks for slices", child.Output, StringComparison.Ordinal);
        Assert.Contains(Reason, child.Output, StringComparison.Ordinal);
        Assert.Contains("NATIVEGREENLET_BACKEND=threads", child.Output, StringComparison.Ordinal);
    }

    [WindowsFact]
    public void Who_does_not_ask_gets_threads()
    {
        InChild.Result child = InChild.Run(Describe, ("NATIVEGREENLET_BACKEND", string.Empty), ("DOTNET_gcConservative", "1"));

        Assert.StartsWith("Threads: ", child.Output, StringComparison.Ordinal);
        Assert.Contains(Reason, child.Output, StringComparison.Ordinal);
    }

    private static void Describe()
    {
        try
        {
            Console.WriteLine(GreenletRuntime.Description);
        }
        catch (GreenletException exception)
        {
            Console.WriteLine($"{exception.Reason}: {exception.Message}");
        }
    }
}
