namespace NativeGreenlet.Build;

/// <summary>Builds, tests and runs NativeGreenlet. <c>build.sh</c> and <c>build.ps1</c> start it in the root of the repository.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        using IDisposable signals = Signals.Forward();
        try
        {
            Surroundings.Prepare();
            return CommandLine.Run(arguments);
        }
        catch (StopException stop)
        {
            Console.Error.WriteLine($"{Surroundings.Script}: {stop.Message}");
            return 1;
        }
    }
}
