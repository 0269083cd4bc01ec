using System.Net;

namespace NativeGreenlet.LegacyShop;

/// <summary>The other company's service, which is slow.</summary>
internal static class SupplierService
{
    /// <summary>Starts it on a free port.</summary>
    /// <param name="answerAsync">Waits for as long as an answer takes.</param>
    public static WebApplication Start(Func<Task> answerAsync)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        app.MapGet("/price/{product:int}", async (int product) =>
        {
            await answerAsync();
            return $"{product * 10}";
        });
        app.Start();
        return app;
    }
}
