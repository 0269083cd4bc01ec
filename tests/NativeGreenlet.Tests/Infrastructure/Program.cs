using System.Reflection;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>The entry point of child processes (<see cref="InChild"/>); the test runner does not use it.</summary>
internal static class Program
{
    private static void Main(string[] arguments)
    {
        Type type = typeof(Program).Assembly.GetType(arguments[0], throwOnError: true)!;
        MethodInfo method = type.GetMethod(arguments[1], BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
        method.CreateDelegate<Action>()();
    }
}
