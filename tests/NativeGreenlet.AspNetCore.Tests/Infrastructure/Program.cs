namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>The entry point of child processes; the test runner does not use it. Starts an application and ends, or shows
/// what is named.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is [ThreadShortage.Argument])
        {
            await ThreadShortage.RunAsync();
            return 0;
        }

        if (arguments is [StackShortage.Argument])
        {
            StackShortage.Run();
            return 0;
        }

        try
        {
            await using Server server = await Server.StartAsync(app => app.MapGet("/", () => GreenletRuntime.Backend.ToString()));
            Console.WriteLine(await server.GetAsync("/"));
            return 0;
        }
        catch (GreenletException exception)
        {
            Console.WriteLine($"{exception.Reason}: {exception.Message}");
            return 1;
        }
    }
}
