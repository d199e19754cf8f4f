// SPDX-License-Identifier: GPL-2.0-only
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createBrowserRouter, RouterProvider } from 'react-router';
import { queryClient } from './api/queries';
import { routes } from './routes';
import { askForSession } from './session/session';
import './theme/mantine-styles';
import './theme/tokens.css';
import './theme/console.css';
import './theme/tables.css';
import { theme } from './theme/theme';

const root = document.getElementById('console');
if (root === null) throw new Error('index.html has no place for the console.');

askForSession();
const router = createBrowserRouter(routes, { basename: '/console' });

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
