using NativeGreenlet.Fuzz.Execution;
using NativeGreenlet.Fuzz.Supervision;
using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz;

/// <summary>Random traces on greenlets and, for a control, on plain threads.</summary>
internal static class Program
{
    public const int UsageError = 64;

    public static int Main(string[] arguments)
    {
        if (arguments.Any(argument => argument is "--help" or "-h" or "help"))
        {
            Console.WriteLine(Options.Help);
            return 0;
        }

        Options options;
        try
        {
            options = Options.Parse(arguments);
        }
        catch (FormatException exception)
        {
            Console.Error.WriteLine($"{exception.Message}; see --help");
            return UsageError;
        }

        if (options.IsPrinting)
        {
            Console.Write(TraceGenerator.Generate(options.Seed!.Value, options.ThrowsInFilters).Without(options.Without));
            return 0;
        }

        if (options.FlightRecorder is not null)
        {
            using TraceRunner runner = new(options);
            runner.Run();
            return 0;
        }

        return new Supervisor(options).Run();
    }
}
