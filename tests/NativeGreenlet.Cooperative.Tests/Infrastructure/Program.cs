using System.Reflection;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>The entry point of child processes (<see cref="Child"/>); the test runner does not use it. Runs every
/// test that has no parameters in a class, or in all classes whose names are given.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        int failed = 0;
        int passed = 0;
        Console.WriteLine(GreenletRuntime.Description);
        foreach (Type type in typeof(Program).Assembly.GetTypes().Where(type => arguments.Contains(type.Name)))
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
