using System.Reflection;
using System.Runtime.Loader;

namespace NativeGreenlet.Runner;

/// <summary>Runs test assemblies in this process, or each of their classes in a process of its own; and programs, as
/// <c>dotnet exec</c> does, because tests start some and a self-contained program brings no <c>dotnet</c>.</summary>
internal static class Program
{
    private const string HostVariable = "DOTNET_HOST_PATH";
    private const int UsageError = 64;

    // Not asynchronous: an exception that nobody catches in a program that is executed would be caught here first.
    private static int Main(string[] arguments)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(HostVariable)))
        {
            Environment.SetEnvironmentVariable(HostVariable, Environment.ProcessPath);
        }

        if (arguments is ["exec", string program, ..])
        {
            return Execute(Load(program), arguments[2..]);
        }

        Options options;
        try
        {
            options = Options.Parse(arguments);
        }
        catch (FormatException exception)
        {
            Console.Error.WriteLine($"{exception.Message}\n\n{Options.Help}");
            return UsageError;
        }

        Tally tally = new();
        foreach (string assembly in options.Assemblies)
        {
            Load(assembly).RunAsync(options, tally).GetAwaiter().GetResult();
        }

        Console.WriteLine(tally);
        return tally.IsGood ? 0 : 1;
    }

    private static async Task RunAsync(this Assembly assembly, Options options, Tally tally)
    {
        TestAssembly tests = new(assembly, options);
        if (options.ListsOnly)
        {
            tests.Classes.ToList().ForEach(Console.WriteLine);
        }
        else if (options.Apart)
        {
            ClassesApart.Run(tests, options, tally);
        }
        else
        {
            await tests.RunAsync(tally);
        }
    }

    private static Assembly Load(string path) =>
        AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.GetFullPath(path, AppContext.BaseDirectory));

    private static int Execute(Assembly program, string[] arguments)
    {
        MethodInfo main = program.EntryPoint ?? throw new ArgumentException($"{program.Location} is not a program.");
        object?[] parameters = main.GetParameters().Length == 0 ? [] : [arguments];
        return main.Invoke(null, BindingFlags.DoNotWrapExceptions, null, parameters, null) is int code ? code : Environment.ExitCode;
    }
}
