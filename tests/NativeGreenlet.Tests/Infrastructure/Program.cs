using System.Reflection;
using NativeGreenlet.Common;
using Xunit.Runner.InProc.SystemConsole;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Runs the tests; or, as a child process, a method that is named (<see cref="InChild"/>).</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is not [ProgramHost.Child, string type, string method])
        {
            return ConsoleRunner.Run(arguments).GetAwaiter().GetResult();
        }

        typeof(Program).Assembly.GetType(type, throwOnError: true)!
            .GetMethod(method, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!
            .CreateDelegate<Action>()();
        return Environment.ExitCode;
    }
}
