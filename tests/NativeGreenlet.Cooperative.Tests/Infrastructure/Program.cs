using System.Reflection;
using Xunit.Runner.InProc.SystemConsole;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>Runs the tests; or, as a child process (<see cref="Child"/>), every test that has no parameters in the classes whose names are
/// given.</summary>
internal static class Program
{
    private static int Main(string[] arguments) => arguments is [ProgramHost.Child, .. string[] classes]
        ? Run(classes)
        : ConsoleRunner.Run(arguments).GetAwaiter().GetResult();

    private static int Run(string[] classes)
    {
        int failed = 0;
        int passed = 0;
        Console.WriteLine(GreenletRuntime.Description);
        foreach (Type type in typeof(Program).Assembly.GetTypes().Where(type => classes.Contains(type.Name)))
        {
            foreach (MethodInfo method in type.GetMethods().Where(method => method.GetCustomAttribute<FactAttribute>() is { Skip: null } || method.GetCustomAttribute<InChildAttribute>() is not null))
            {
                try
                {
                    if (method.Invoke(Activator.CreateInstance(type), null) is Task task && !task.Wait(InHub.Patience))
                    {
                        throw new TimeoutException("It has not ended.");
                    }

                    passed++;
                }
                catch (Exception exception)
                {
                    failed++;
                    Console.WriteLine($"FAILED {type.Name}.{method.Name}: {exception.InnerException ?? exception}");
                }
            }
        }

        Console.WriteLine($"{passed} passed, {failed} failed on {GreenletRuntime.Backend}");
        return failed == 0 && passed != 0 ? 0 : 1;
    }
}
