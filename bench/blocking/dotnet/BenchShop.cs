using System.Globalization;
using System.Net;
using Dapper;
using Microsoft.EntityFrameworkCore;
using NativeGreenlet.Cooperative;
using Npgsql;

namespace NativeGreenlet.LegacyShop;

/// <summary>The shop in the ways that are compared.</summary>
internal static class BenchShop
{
    /// <summary>Starts it on a free port.</summary>
    /// <param name="way">pool: as it always was; park: on greenlets, its waits park; async: rewritten by hand.</param>
    /// <param name="database">The connection string.</param>
    /// <param name="supplier">The address of the supplier.</param>
    public static WebApplication Start(string way, string database, string supplier)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        Shop.AddServices(builder.Services, database, supplier);
        if (way == "park")
        {
            builder.Services.AddGreenlets(options => options.BlockingWaits = BlockingWaits.Park);
        }

        WebApplication app = builder.Build();
        if (way == "park")
        {
            app.UseGreenlets();
        }

        if (way == "async")
        {
            MapAsync(app);
        }
        else
        {
            Shop.Map(app);
        }

        app.Start();
        return app;
    }

    private static void MapAsync(WebApplication app) => app.MapGet(
        "/quote/{product:int}",
        async (int product, ShopContext context, NpgsqlDataSource database, HttpClient http) =>
        {
            string name = await context.Products.Where(p => p.Id == product).Select(p => p.Name).SingleAsync();
            int left = await LeftOfAsync(database, product);
            long sold = await CountOfAsync(database, product);
            int price = await PriceOfAsync(http, product);
            return $"{name} costs {price}, {left} left, {sold} sold";
        });

    private static async Task<int> LeftOfAsync(NpgsqlDataSource database, int product)
    {
        await using NpgsqlCommand command = database.CreateCommand("select amount from stock where product = $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = product });
        return (int)(await command.ExecuteScalarAsync())!;
    }

    private static async Task<long> CountOfAsync(NpgsqlDataSource database, int product)
    {
        await using NpgsqlConnection connection = await database.OpenConnectionAsync();
        return await connection.QuerySingleAsync<long>("select count(*) from sale where product = @product", new { product });
    }

    private static async Task<int> PriceOfAsync(HttpClient http, int product)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/price/{product}");
        using HttpResponseMessage response = await http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        return int.Parse(await reader.ReadToEndAsync(), CultureInfo.InvariantCulture);
    }
}
