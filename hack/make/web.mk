##@ The web client.

WEB_SOURCES := $(shell git ls-files -co --exclude-standard webclient | grep -v '^webclient/dist/')

# One stamp per install and build, so that a second `make` does nothing.
webclient/node_modules/.installed: webclient/package.json webclient/package-lock.json
	npm --prefix webclient ci --no-audit --no-fund
	touch $@

webclient/dist/index.html: webclient/node_modules/.installed $(WEB_SOURCES)
	npm --prefix webclient run build

.PHONY: web
web: packages webclient/dist/index.html ## Build the web client that scoring embeds.
